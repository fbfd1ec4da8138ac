// The reference of the fan-out benchmark: what this machine's kernel takes for sending, and nothing else.
//
//   limit <port> <connections> <bytes per second> <interval ms> <seconds>
//
// One thread, one epoll set. Accepts up to <connections> on loopback, reads one line from each and answers nothing. From then on
// each gets <bytes per second>: every <interval ms> one sendmsg from one buffer that all share, as the server's cursors share a
// ring. A socket that takes less than it is given is remembered as an offset and goes on when epoll says so. Ends after
// <seconds>, or when all who came have gone, and prints one line of JSON: its own CPU time, bytes, sends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES (1u << 20)         // as much as the server's ring holds of such a stream
#define MAX_SEND_BYTES (256u * 1024)  // as much as the server gathers for one send
#define LISTENER UINT32_MAX

struct connection {
  int fd;
  bool is_started;  // its line has come
  bool is_blocked;
  uint64_t position;  // what it has had, on the line of all that was ever sent
};

static uint8_t ring[RING_BYTES];
static uint64_t tail;
static double sent_bytes;
static uint64_t send_count;
static struct connection *connections;
static uint32_t used, open_count;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void drop(struct connection *c) {
  close(c->fd);
  c->fd = -1;
  open_count--;
}

static void drain(struct connection *c) {
  while (!c->is_blocked && c->position < tail) {
    uint64_t wanted = tail - c->position;
    if (wanted > MAX_SEND_BYTES) wanted = MAX_SEND_BYTES;
    const size_t at = (size_t)(c->position % RING_BYTES);
    const size_t first = wanted < RING_BYTES - at ? (size_t)wanted : RING_BYTES - at;
    struct iovec parts[2] = {{ring + at, first}, {ring, (size_t)wanted - first}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = wanted > first ? 2 : 1};
    const ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    send_count++;
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return drop(c);
      c->is_blocked = true;
      return;
    }
    c->position += (uint64_t)sent;
    sent_bytes += (double)sent;
    if ((uint64_t)sent < wanted) c->is_blocked = true;
  }
}

static void receive(struct connection *c) {
  char line[4096];
  for (;;) {
    const ssize_t got = recv(c->fd, line, sizeof line, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(c);
    if (!c->is_started && memchr(line, '\n', (size_t)got) != NULL) {
      c->is_started = true;
      c->position = tail;
    }
  }
}

static void accept_all(int listener, int set, uint32_t capacity) {
  for (;;) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (used == capacity) {
      close(fd);
      continue;
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[used] = (struct connection){.fd = fd};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = used};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    used++;
    open_count++;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: limit <port> <connections> <bytes per second> <interval ms> <seconds>\n");
    return 2;
  }
  const uint32_t capacity = (uint32_t)atoi(argv[2]);
  const double bytes_per_second = atof(argv[3]), interval_s = atof(argv[4]) / 1000, seconds = atof(argv[5]);
  if (capacity == 0 || bytes_per_second <= 0 || interval_s <= 0 || seconds <= 0) {
    fprintf(stderr, "limit: every argument is a number above 0\n");
    return 2;
  }
  for (size_t i = 0; i < sizeof ring; i++) ring[i] = (uint8_t)(i * 2654435761u >> 11);
  connections = calloc(capacity, sizeof *connections);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int set = epoll_create1(EPOLL_CLOEXEC);
  if (connections == NULL || listener < 0 || set < 0) fail("limit");
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) fail("limit: listen");
  struct epoll_event listening = {.events = EPOLLIN, .data.u32 = LISTENER};
  if (epoll_ctl(set, EPOLL_CTL_ADD, listener, &listening) != 0) fail("epoll_ctl");
  fprintf(stderr, "ready\n");

  const double start = now_s();
  double due = start + interval_s;
  static struct epoll_event ready[256];
  for (;;) {
    double now = now_s();
    if (now - start > seconds || (used > 0 && open_count == 0)) break;
    if (now >= due) {
      tail = (uint64_t)((now - start) * bytes_per_second);
      for (uint32_t i = 0; i < used; i++) {
        struct connection *c = &connections[i];
        if (c->fd >= 0 && c->is_started) drain(c);
      }
      while (due <= now) due += interval_s;
      now = now_s();
    }
    const int wait_ms = due > now ? (int)((due - now) * 1000) + 1 : 0;
    const int count = epoll_wait(set, ready, 256, wait_ms);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.u32 == LISTENER) {
        accept_all(listener, set, capacity);
        continue;
      }
      struct connection *c = &connections[ready[i].data.u32];
      if (c->fd >= 0 && (ready[i].events & EPOLLOUT) != 0 && c->is_blocked) {
        c->is_blocked = false;
        drain(c);
      }
      if (c->fd >= 0 && (ready[i].events & ~(uint32_t)EPOLLOUT) != 0) receive(c);
    }
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"cpuSeconds\":%.6f,\"bytes\":%.0f,\"sends\":%llu}\n",
         (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
         sent_bytes, (unsigned long long)send_count);
  return 0;
}
