// The reference of the fan-out benchmark: what this machine's kernel takes for sending, and nothing else.
//
//   limit <port> <connections> <bytes per second> <interval ms> <seconds>
//   limit udp <first port> <players> <bytes per second> <interval ms> <seconds> <way>
//
// One thread, one epoll set. Accepts up to <connections> on loopback, reads one line from each and answers nothing. From then on
// each gets <bytes per second>: every <interval ms> one sendmsg from one buffer that all share, as the server's cursors share a
// ring. A socket that takes less than it is given is remembered as an offset and goes on when epoll says so. Ends after
// <seconds>, or when all who came have gone, and prints one line of JSON: its own CPU time, bytes, sends.
//
// With "udp" it sends from one socket to <players> ports of loopback, whoever listens there: every <interval ms> a frame in packets
// of 1,200 bytes, the last one shorter. <way>: "gso" lets the kernel cut it, many players in one sendmmsg; "gso-each" with a
// sendmsg for each player; "plain" cuts it here, many packets in one sendmmsg.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
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
#define PACKET_BYTES 1200
#define MAX_SEGMENTS 54               // 64,800 bytes: one message
#define MAX_BATCH 256                 // messages of one sendmmsg, as in the addon

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

static void print_result(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"cpuSeconds\":%.6f,\"bytes\":%.0f,\"sends\":%llu}\n",
         (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
         sent_bytes, (unsigned long long)send_count);
}

static void fill_ring(void) {
  for (size_t i = 0; i < sizeof ring; i++) ring[i] = (uint8_t)(i * 2654435761u >> 11);
}

// Sends all of them, waiting for room where there is none: what is lost would not count.
static void send_batch(int fd, struct mmsghdr *messages, unsigned count) {
  for (unsigned done = 0; done < count;) {
    const int sent = sendmmsg(fd, messages + done, count - done, 0);
    send_count++;
    if (sent < 0 && errno != EINTR) fail("limit: sendmmsg");
    for (int i = 0; i < sent; i++) sent_bytes += messages[done++].msg_len;
  }
}

static int send_datagrams(int first_port, uint32_t players, double bytes_per_second, double interval_s, double seconds, const char *way) {
  const bool is_plain = strcmp(way, "plain") == 0;
  const unsigned most = strcmp(way, "gso-each") == 0 ? 1 : MAX_BATCH;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in *addresses = calloc(players, sizeof *addresses);
  if (fd < 0 || addresses == NULL) fail("limit");
  const int buffer_bytes = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  for (uint32_t i = 0; i < players; i++) {
    addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)(first_port + (int)i))};
    addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  static union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
  } segmentation = {.header = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}};
  const uint16_t segment = PACKET_BYTES;
  memcpy(CMSG_DATA(&segmentation.header), &segment, sizeof segment);
  static struct mmsghdr messages[MAX_BATCH];
  static struct iovec parts[MAX_BATCH];
  fprintf(stderr, "ready\n");

  const double start = now_s();
  const size_t frame_bytes = (size_t)(bytes_per_second * interval_s);
  const size_t most_bytes = is_plain ? PACKET_BYTES : MAX_SEGMENTS * PACKET_BYTES;
  for (double due = start + interval_s; due - start < seconds; due += interval_s) {
    const struct timespec until = {(time_t)due, (long)((due - (double)(time_t)due) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    const size_t from = (size_t)tail % (RING_BYTES - frame_bytes);
    tail += frame_bytes;
    unsigned count = 0;
    for (uint32_t i = 0; i < players; i++) {
      for (size_t at = 0; at < frame_bytes; at += most_bytes) {
        const size_t length = frame_bytes - at < most_bytes ? frame_bytes - at : most_bytes;
        parts[count] = (struct iovec){ring + from + at, length};
        messages[count].msg_hdr = (struct msghdr){
            .msg_name = &addresses[i], .msg_namelen = sizeof *addresses, .msg_iov = &parts[count], .msg_iovlen = 1};
        if (length > PACKET_BYTES) {
          messages[count].msg_hdr.msg_control = &segmentation;
          messages[count].msg_hdr.msg_controllen = sizeof segmentation;
        }
        if (++count < most) continue;
        send_batch(fd, messages, count);
        count = 0;
      }
    }
    if (count > 0) send_batch(fd, messages, count);
  }
  print_result();
  return 0;
}

int main(int argc, char **argv) {
  fill_ring();
  if (argc == 8 && strcmp(argv[1], "udp") == 0) {
    const double numbers[] = {atof(argv[3]), atof(argv[4]), atof(argv[5]) / 1000, atof(argv[6])};
    if (numbers[0] < 1 || numbers[1] * numbers[2] < 1 || numbers[1] * numbers[2] > RING_BYTES / 2 || numbers[3] <= 0) {
      fprintf(stderr, "limit: every argument is a number above 0, and a frame is less than half a mebibyte\n");
      return 2;
    }
    return send_datagrams(atoi(argv[2]), (uint32_t)numbers[0], numbers[1], numbers[2], numbers[3], argv[7]);
  }
  if (argc != 6) {
    fprintf(stderr, "usage: limit <port> <connections> <bytes per second> <interval ms> <seconds>\n"
                    "       limit udp <first port> <players> <bytes per second> <interval ms> <seconds> <gso|gso-each|plain>\n");
    return 2;
  }
  const uint32_t capacity = (uint32_t)atoi(argv[2]);
  const double bytes_per_second = atof(argv[3]), interval_s = atof(argv[4]) / 1000, seconds = atof(argv[5]);
  if (capacity == 0 || bytes_per_second <= 0 || interval_s <= 0 || seconds <= 0) {
    fprintf(stderr, "limit: every argument is a number above 0\n");
    return 2;
  }
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
  print_result();
  return 0;
}
