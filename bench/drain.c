// Load generator of the fan-out benchmarks: thousands of players in one thread that read and throw away. A stand-in for the
// product's own `millrace bench`, and the reference that one is measured beside.
//
//   drain <flv|rtmp|raw> <port> <app/name> <players> [joins per second] [settle s] [window s] [server's pid] [unread] [ceiling s] [spin]
//
// Opens <players> connections on loopback at the given rate: HTTP-FLV (GET), RTMP (a simple handshake, then connect,
// createStream and play in one go), or raw (a request line, then whatever comes: what limit.c serves). The bytes are never
// copied to this process (MSG_TRUNC). When all have had their first media byte, and <settle> has passed, a window of <window>
// seconds is measured: bytes, the server's CPU time (its process clock: all threads, nanoseconds) and memory at the window's
// end. The first <unread> players stop reading after their first media byte. Whatever happens it ends after <ceiling> seconds. With
// <spin> 1 it never sleeps: waking another core costs the sender, and over a network it would not.
//
// Joining is timed from connect() to the first media byte: in HTTP-FLV the first byte behind the response head and the FLV file
// header, in RTMP the first byte beyond 2 KiB after the handshake (the answers to the three commands are shorter, a key frame is
// longer).
//
// Prints one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELLO_BYTES (1 + 2 * 1536)      // S0 S1 S2
#define RTMP_ANSWER_BYTES 2048          // what may come before media
#define FLV_HEADER_BYTES 13             // the file header and the length of no tag
#define MAX_CONNECTING 512              // half of a usual accept backlog
#define JOIN_GROUP 1000                 // joins whose percentiles are printed together

enum protocol { FLV, RTMP, RAW };
enum state { CONNECTING, HANDSHAKE, STARTING, PLAYING, CLOSED };

struct player {
  int fd;
  enum state state;
  bool is_unread;
  uint32_t early_bytes;    // of the handshake, the answers or the response head
  uint8_t head_match;      // how much of "\r\n\r\n" has been seen
  uint32_t body_bytes;     // behind it, before media
  uint8_t *hello;          // S0 S1 S2 as they come
  double started_s;
  float join_ms;           // below 0: not yet
  uint64_t window_bytes;
};

static enum protocol protocol;
static struct player *players;
static struct sockaddr_in address;
static int set;
static uint32_t player_count, opened, connecting, joined, refused, closed, unread_wanted;
static uint64_t total_bytes;
static uint8_t request[2048];
static size_t request_length;
static bool is_spinning;
static uint8_t scratch[256 * 1024];

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint8_t *put_string(uint8_t *at, const char *text) {
  const size_t length = strlen(text);
  *at++ = 2;
  *at++ = (uint8_t)(length >> 8);
  *at++ = (uint8_t)length;
  memcpy(at, text, length);
  return at + length;
}

static uint8_t *put_number(uint8_t *at, int small) {
  union { double number; uint64_t bits; } value = {.number = small};
  *at++ = 0;
  for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value.bits >> shift);
  return at;
}

static uint8_t *put_property(uint8_t *at, const char *key, const char *value) {
  const size_t length = strlen(key);
  *at++ = (uint8_t)(length >> 8);
  *at++ = (uint8_t)length;
  memcpy(at, key, length);
  return put_string(at + length, value);
}

// One AMF0 command in one chunk: all of ours are shorter than the 128 bytes a chunk has at first.
static void put_command(const uint8_t *body, size_t length, uint8_t message_stream_id) {
  if (length > 128) {
    fprintf(stderr, "drain: the stream's name is too long for one chunk\n");
    exit(2);
  }
  const uint8_t header[12] = {3, 0, 0, 0, 0, 0, (uint8_t)length, 20, message_stream_id, 0, 0, 0};
  memcpy(request + request_length, header, sizeof header);
  memcpy(request + request_length + sizeof header, body, length);
  request_length += sizeof header + length;
}

static void build_request(const char *stream, int port) {
  if (protocol != RTMP) {
    const char *extension = protocol == FLV ? ".flv" : "";
    request_length = (size_t)snprintf((char *)request, sizeof request, "GET /%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
                                      stream, extension, port);
    return;
  }
  char app[64], url[96];
  const char *slash = strchr(stream, '/');
  if (slash == NULL || slash - stream >= (long)sizeof app) {
    fprintf(stderr, "drain: a stream is called app/name\n");
    exit(2);
  }
  snprintf(app, sizeof app, "%.*s", (int)(slash - stream), stream);
  snprintf(url, sizeof url, "rtmp://127.0.0.1/%s", app);
  uint8_t body[512], *at;
  at = put_number(put_string(body, "connect"), 1);
  *at++ = 3;
  at = put_property(put_property(at, "app", app), "tcUrl", url);
  *at++ = 0, *at++ = 0, *at++ = 9;
  put_command(body, (size_t)(at - body), 0);
  at = put_number(put_string(body, "createStream"), 2);
  *at++ = 5;
  put_command(body, (size_t)(at - body), 0);
  at = put_number(put_string(body, "play"), 3);
  *at++ = 5;
  at = put_string(at, slash + 1);
  put_command(body, (size_t)(at - body), 1);
}

static void leave(struct player *p) {
  if (p->state == CLOSED) return;
  if (p->state == CONNECTING) connecting--;
  if (p->join_ms < 0) refused++;
  else closed++;
  close(p->fd);
  free(p->hello);
  p->hello = NULL;
  p->state = CLOSED;
}

// All of it or nothing: a new connection's buffer is empty.
static bool send_all(struct player *p, const uint8_t *bytes, size_t length) {
  if (send(p->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length) return true;
  leave(p);
  return false;
}

static void open_player(void) {
  struct player *p = &players[opened];
  p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (p->fd < 0) fail("drain: socket");
  const int one = 1;
  setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  p->state = CONNECTING;
  p->join_ms = -1;
  p->is_unread = opened < unread_wanted;
  p->started_s = now_s();
  connecting++;
  if (connect(p->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) fail("drain: connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = opened};
  if (epoll_ctl(set, EPOLL_CTL_ADD, p->fd, &event) != 0) fail("epoll_ctl");
  opened++;
}

static void connected(struct player *p) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return leave(p);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(p - players)};
  epoll_ctl(set, EPOLL_CTL_MOD, p->fd, &event);
  connecting--;
  if (protocol != RTMP) {
    p->state = STARTING;
    send_all(p, request, request_length);
    return;
  }
  static uint8_t hello[1 + 1536] = {3};  // C0 and a C1 of zeros: the simple handshake
  p->state = HANDSHAKE;
  p->hello = malloc(HELLO_BYTES);
  if (p->hello == NULL) fail("drain");
  send_all(p, hello, sizeof hello);
}

static void started(struct player *p, size_t media_bytes) {
  p->join_ms = (float)((now_s() - p->started_s) * 1000);
  p->state = PLAYING;
  joined++;
  total_bytes += media_bytes;
  if (p->is_unread) epoll_ctl(set, EPOLL_CTL_DEL, p->fd, NULL);
}

static void receive_early(struct player *p) {
  if (p->state == HANDSHAKE) {
    const ssize_t got = recv(p->fd, p->hello + p->early_bytes, HELLO_BYTES - p->early_bytes, 0);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) leave(p);
      return;
    }
    p->early_bytes += (uint32_t)got;
    if (p->early_bytes < HELLO_BYTES) return;
    p->early_bytes = 0;
    p->state = STARTING;
    const bool is_sent = send_all(p, p->hello + 1, 1536) && send_all(p, request, request_length);
    free(p->hello);
    p->hello = NULL;
    (void)is_sent;
    return;
  }
  const ssize_t got = recv(p->fd, scratch, sizeof scratch, 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(p);
    return;
  }
  if (protocol == RAW) return started(p, (size_t)got);
  if (protocol == RTMP) {
    p->early_bytes += (uint32_t)got;
    if (p->early_bytes > RTMP_ANSWER_BYTES) started(p, p->early_bytes - RTMP_ANSWER_BYTES);
    return;
  }
  if (p->early_bytes == 0 && (got < 12 || memcmp(scratch, "HTTP/1.1 200", 12) != 0)) return leave(p);
  p->early_bytes += (uint32_t)got;
  ssize_t at = 0;
  for (; at < got && p->head_match < 4; at++) {
    if (scratch[at] == (uint8_t)"\r\n\r\n"[p->head_match]) p->head_match++;
    else p->head_match = scratch[at] == '\r' ? 1 : 0;
  }
  p->body_bytes += (uint32_t)(got - at);
  if (p->body_bytes > FLV_HEADER_BYTES) started(p, p->body_bytes - FLV_HEADER_BYTES);
}

static void receive(struct player *p) {
  if (p->state != PLAYING) return receive_early(p);
  const ssize_t got = recv(p->fd, scratch, 1 << 24, MSG_TRUNC);
  if (got > 0) {
    total_bytes += (uint64_t)got;
    p->window_bytes += (uint64_t)got;
  } else if (got == 0 || errno != EAGAIN) {
    leave(p);
  }
}

static void work(int timeout_ms) {
  static struct epoll_event ready[1024];
  const int count = epoll_wait(set, ready, 1024, is_spinning ? 0 : timeout_ms);
  for (int i = 0; i < count; i++) {
    struct player *p = &players[ready[i].data.u32];
    if (p->state == CLOSED) continue;
    if (p->state == CONNECTING) connected(p);
    else receive(p);
  }
}

static void work_until(double until_s) {
  for (double now = now_s(); now < until_s; now = now_s()) work((int)((until_s - now) * 1000) + 1);
}

static double cpu_of(int pid) {
  clockid_t clock;
  struct timespec t;
  if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_of(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  long total = 0, resident = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static int by_value(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static void print_joins(uint32_t from, uint32_t to, float *sorted) {
  uint32_t count = 0;
  for (uint32_t i = from; i < to; i++) {
    if (players[i].join_ms >= 0) sorted[count++] = players[i].join_ms;
  }
  qsort(sorted, count, sizeof *sorted, by_value);
  printf("{\"from\":%u,\"count\":%u,\"p50Ms\":%.2f,\"p99Ms\":%.2f}", from, count,
         count == 0 ? 0 : (double)sorted[count / 2], count == 0 ? 0 : (double)sorted[(uint64_t)count * 99 / 100]);
}

int main(int argc, char **argv) {
  const char *protocol_name = argc > 1 ? argv[1] : "";
  if (argc < 5 || argc > 12) {
    fprintf(stderr, "usage: drain <flv|rtmp|raw> <port> <app/name> <players> [joins per second] [settle s] [window s] "
                    "[server's pid] [unread] [ceiling s] [spin]\n");
    return 2;
  }
  if (strcmp(protocol_name, "flv") == 0) protocol = FLV;
  else if (strcmp(protocol_name, "rtmp") == 0) protocol = RTMP;
  else if (strcmp(protocol_name, "raw") == 0) protocol = RAW;
  else {
    fprintf(stderr, "drain: %s is neither flv nor rtmp nor raw\n", protocol_name);
    return 2;
  }
  const int port = atoi(argv[2]);
  player_count = (uint32_t)atoi(argv[4]);
  const double rate = argc > 5 ? atof(argv[5]) : 2000, settle_s = argc > 6 ? atof(argv[6]) : 1;
  const double window_s = argc > 7 ? atof(argv[7]) : 3;
  const int pid = argc > 8 ? atoi(argv[8]) : 0;
  unread_wanted = argc > 9 ? (uint32_t)atoi(argv[9]) : 0;
  const double ceiling_s = argc > 10 ? atof(argv[10]) : 60;
  is_spinning = argc > 11 && atoi(argv[11]) != 0;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  build_request(argv[3], port);
  players = calloc(player_count, sizeof *players);
  float *sorted = calloc(player_count, sizeof *sorted);
  set = epoll_create1(EPOLL_CLOEXEC);
  if (players == NULL || sorted == NULL || set < 0) fail("drain");
  const double start = now_s(), last = start + ceiling_s - settle_s - window_s;
  while (joined + refused < player_count && now_s() < last) {
    const double now = now_s();
    while (opened < player_count && connecting < MAX_CONNECTING && start + opened / rate <= now) open_player();
    work(opened < player_count ? 1 : 50);
  }
  const double join_seconds = now_s() - start;
  work_until(now_s() + settle_s);

  for (uint32_t i = 0; i < player_count; i++) players[i].window_bytes = 0;
  const uint64_t bytes_before = total_bytes;
  const double window_start = now_s(), cpu_before = cpu_of(pid), own_before = cpu_of(getpid());
  work_until(window_start + window_s);
  const double seconds = now_s() - window_start, cpu = cpu_of(pid) - cpu_before, own = cpu_of(getpid()) - own_before;
  const double bytes = (double)(total_bytes - bytes_before), resident = resident_of(pid);

  uint32_t playing = 0;
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < player_count; i++) {
    const struct player *p = &players[i];
    if (p->state != PLAYING || p->is_unread) continue;
    playing++;
    if (p->window_bytes < least) least = p->window_bytes;
  }
  const double mean = playing == 0 ? 0 : bytes / playing;
  printf("{\"players\":%u,\"joined\":%u,\"refused\":%u,\"closed\":%u,\"seconds\":%.6f,\"bytes\":%.0f,\"cpuSeconds\":%.6f,"
         "\"ownCpuSeconds\":%.6f,\"residentBytes\":%.0f,\"leastShare\":%.3f,\"joinSeconds\":%.3f,\"join\":",
         player_count, joined, refused, closed, seconds, bytes, cpu, own, resident, mean > 0 ? (double)least / mean : 0,
         join_seconds);
  print_joins(0, player_count, sorted);
  printf(",\"groups\":[");
  for (uint32_t from = 0; from < player_count; from += JOIN_GROUP) {
    if (from > 0) printf(",");
    print_joins(from, from + JOIN_GROUP < player_count ? from + JOIN_GROUP : player_count, sorted);
  }
  printf("]}\n");
  return 0;
}
