// What the load generators share: clocks, the readings of a process, RTMP's opening, and the mark that carries a frame's sending
// time. Each of them is one file and includes this.
#ifndef MILLRACE_BENCH_LOAD_H
#define MILLRACE_BENCH_LOAD_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELLO_BYTES (1 + 2 * 1536)  // S0 S1 S2

static inline double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The clock of the kernel's receive time stamps.
static inline uint64_t wall_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

// CPU time of a process: all threads, nanoseconds.
static inline double cpu_of(int pid) {
  clockid_t clock;
  struct timespec t;
  if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double resident_of(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  long total = 0, resident = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static inline int by_value(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

// Prints the percentiles of `values`, and sorts them on the way.
static inline void print_times(float *values, uint32_t count) {
  qsort(values, count, sizeof *values, by_value);
  printf("\"count\":%u,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f", count, count == 0 ? 0 : (double)values[count / 2],
         count == 0 ? 0 : (double)values[(uint64_t)count * 99 / 100], count == 0 ? 0 : (double)values[count - 1]);
}

static inline struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Local addresses that are used in turn. One has 28,232 ports to a server's port, and Linux hands out every other one first: from the
// 14,117th on (those of the last minute included) each connect() looks through all 14,116 that are taken, for 2 to 3 ms of CPU.
#define LOCAL_ADDRESSES 32

// A socket on its way to `address`, or -1.
static inline int start_connecting(const struct sockaddr_in *address) {
  static uint32_t turn;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in local = loopback(0);
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % LOCAL_ADDRESSES);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);  // the port is chosen by connect(), for this peer
  if (bind(fd, (const struct sockaddr *)&local, sizeof local) != 0) {
    close(fd);
    return -1;
  }
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

static inline bool is_connected(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

// Bytes that are sent in one go.
struct request {
  uint8_t bytes[2048];
  size_t length;
};

static inline uint8_t *put_u24(uint8_t *at, uint32_t value) {
  *at++ = (uint8_t)(value >> 16);
  *at++ = (uint8_t)(value >> 8);
  *at++ = (uint8_t)value;
  return at;
}

static inline uint8_t *put_text(uint8_t *at, const char *text) {
  const size_t length = strlen(text);
  *at++ = (uint8_t)(length >> 8);
  *at++ = (uint8_t)length;
  memcpy(at, text, length);
  return at + length;
}

// AMF0: a string, a number, a property of an object.
static inline uint8_t *put_string(uint8_t *at, const char *text) {
  *at++ = 2;
  return put_text(at, text);
}

static inline uint8_t *put_number(uint8_t *at, int small) {
  union { double number; uint64_t bits; } value = {.number = small};
  *at++ = 0;
  for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value.bits >> shift);
  return at;
}

static inline uint8_t *put_property(uint8_t *at, const char *key, const char *value) {
  return put_string(put_text(at, key), value);
}

// One command in one chunk: all of ours are shorter than the 128 bytes a chunk has at first.
static inline void put_command(struct request *request, const uint8_t *body, size_t length, uint8_t message_stream_id) {
  if (length > 128) {
    fprintf(stderr, "the stream's name is too long for one chunk\n");
    exit(2);
  }
  const uint8_t header[12] = {3, 0, 0, 0, 0, 0, (uint8_t)length, 20, message_stream_id, 0, 0, 0};
  memcpy(request->bytes + request->length, header, sizeof header);
  memcpy(request->bytes + request->length + sizeof header, body, length);
  request->length += sizeof header + length;
}

// connect, createStream, and "play" or "publish" of `stream` (app/name), without waiting for answers in between.
static inline void put_rtmp_opening(struct request *request, const char *what, const char *stream) {
  char app[64], url[96];
  const char *slash = strchr(stream, '/');
  if (slash == NULL || slash - stream >= (long)sizeof app) {
    fprintf(stderr, "a stream is called app/name\n");
    exit(2);
  }
  snprintf(app, sizeof app, "%.*s", (int)(slash - stream), stream);
  snprintf(url, sizeof url, "rtmp://127.0.0.1/%s", app);
  uint8_t body[512], *at;
  at = put_number(put_string(body, "connect"), 1);
  *at++ = 3;
  at = put_property(put_property(at, "app", app), "tcUrl", url);
  *at++ = 0, *at++ = 0, *at++ = 9;
  put_command(request, body, (size_t)(at - body), 0);
  at = put_number(put_string(body, "createStream"), 2);
  *at++ = 5;
  put_command(request, body, (size_t)(at - body), 0);
  at = put_number(put_string(body, what), 3);
  *at++ = 5;
  at = put_string(at, slash + 1);
  if (strcmp(what, "publish") == 0) at = put_string(at, "live");
  put_command(request, body, (size_t)(at - body), 1);
}

static inline void put_flv_request(struct request *request, const char *stream, int port) {
  request->length = (size_t)snprintf((char *)request->bytes, sizeof request->bytes,
                                     "GET /%s.flv HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", stream, port);
}

// The mark: an SEI message with user data (H.264 §D.1.7) in front of each picture, which decoders skip. Sixteen bytes say whose it
// is, sixteen hexadecimal digits when it was sent; digits, because a NAL unit may not hold three bytes like a start code.
#define MARK_BYTES 40
#define MARK_ID_AT 7
static const uint8_t mark_id[16] = {0x4d, 0x69, 0x6c, 0x6c, 0x72, 0x61, 0x63, 0x65, 0x9b, 0x5e, 0x4c, 0x1f, 0xa3, 0x77, 0xd2, 0x81};

static inline void put_mark(uint8_t *at) {
  const uint8_t head[MARK_ID_AT] = {0, 0, 0, MARK_BYTES - 4, 6, 5, 32};
  memcpy(at, head, sizeof head);
  memcpy(at + MARK_ID_AT, mark_id, sizeof mark_id);
  memset(at + MARK_ID_AT + 16, '0', 16);
  at[MARK_BYTES - 1] = 0x80;
}

static inline void stamp_mark(uint8_t *mark, uint64_t ns) {
  uint8_t *at = mark + MARK_ID_AT + 16;
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = (uint8_t)"0123456789abcdef"[ns >> shift & 15];
}

// The time in a mark whose digits begin at `at`.
static inline uint64_t time_of_mark(const uint8_t *at) {
  uint64_t ns = 0;
  for (int i = 0; i < 16; i++) ns = ns << 4 | (uint64_t)(at[i] <= '9' ? at[i] - '0' : at[i] - 'a' + 10);
  return ns;
}
#endif
