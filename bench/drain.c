// Load generator of the fan-out benchmarks: thousands of players in one thread that read and throw away. A stand-in for the
// product's own `millrace bench`, and the reference that one is measured beside.
//
//   drain <flv|rtmp|rtsp|raw> <port> <app/name> <players> [joins per second] [settle s] [window s] [server's pid] [unread] [ceiling s]
//         [sampled] [spin] [hold s]
//
// Opens <players> connections on loopback at the given rate: HTTP-FLV (GET), RTMP (a simple handshake, then connect,
// createStream and play in one go), RTSP over TCP (rtsp.h), or raw (a request line, then whatever comes: what limit.c serves). The
// bytes are never copied to this process (MSG_TRUNC). When all have had their first media byte, and <settle> has passed, a window of
// <window> seconds is measured: bytes, the server's CPU time (its process clock: all threads, nanoseconds) and memory at the window's
// end. For <hold> more seconds the players stay, or until standard input ends: whoever reads the line may look at the server.
// The first <unread> players stop reading after their first media byte. Whatever happens it ends after <ceiling> seconds. With
// <spin> 1 it never sleeps: waking another core costs the sender, and over a network it would not.
//
// So many players as <sampled> says are read for what publish.c marks its pictures with: the time they took from there to the
// kernel's receive time stamp here, in the window.
//
// Joining is timed from connect() to the first media byte: in HTTP-FLV the first byte behind the response head and the FLV file
// header, in RTMP the first byte beyond 2 KiB after the handshake (the answers to the three commands are shorter, a key frame is
// longer), in RTSP the first byte behind the answer to PLAY; "first" is from sending PLAY to there. What of it is this program's own,
// from the moments at which something had come to those at which it was read, is counted beside it.
//
// Prints one line of JSON.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "load.h"
#include "rtsp.h"

#define RTMP_ANSWER_BYTES 2048          // what may come before media
#define FLV_HEADER_BYTES 13             // the file header and the length of no tag
#define MAX_CONNECTING 512              // half of a usual accept backlog
#define MAX_OPENED_PER_TURN 32          // a millisecond of connect(): whoever has connected waits no longer
#define JOIN_GROUP 1000                 // joins whose percentiles are printed together
#define MAX_PICTURES_PER_SECOND 100     // of a stream whose latency is sampled
#define CARRY_BYTES 31                  // the start of a mark (16 bytes and 16 digits) whose end has not come

enum protocol { FLV, RTMP, RTSP, RAW };
enum state { CONNECTING, HANDSHAKE, STARTING, PLAYING, CLOSED };

struct player {
  int fd;
  enum state state;
  bool is_unread;
  uint32_t early_bytes;    // of the handshake, the answers or the response head
  uint8_t head_match;      // how much of "\r\n\r\n" has been seen
  uint32_t body_bytes;     // behind it, before media
  uint8_t *hello;          // S0 S1 S2 as they come
  struct rtsp_opening *opening;
  double started_s, asked_s;  // asked_s: PLAY was sent
  float join_ms;           // below 0: not yet
  float first_ms;          // from PLAY; below 0: there is none
  float own_ms;            // what of it was ours
  uint64_t window_bytes;
  uint8_t *carry;          // of a sampled player: its last bytes
  uint32_t carry_bytes;
};

static enum protocol protocol;
static struct player *players;
static struct sockaddr_in address;
static int set;
static uint32_t player_count, opened, connecting, joined, refused, closed, unread_wanted, sampled_wanted;
static uint64_t total_bytes;
static struct request request;
static char url[256];  // of RTSP
static uint8_t carry_and_scratch[CARRY_BYTES + 256 * 1024];
static uint8_t *const scratch = carry_and_scratch + CARRY_BYTES;
static const size_t scratch_bytes = 256 * 1024;
static bool is_measuring;
static float *latencies_ms;
static uint32_t latency_count, latency_capacity;
static bool is_spinning;

static void leave(struct player *p) {
  if (p->state == CLOSED) return;
  if (p->state == CONNECTING) connecting--;
  if (p->join_ms < 0) refused++;
  else closed++;
  close(p->fd);
  free(p->hello);
  p->hello = NULL;
  free(p->opening);
  p->opening = NULL;
  p->state = CLOSED;
}

// All of it or nothing: a new connection's buffer is empty.
static bool send_all(struct player *p, const uint8_t *bytes, size_t length) {
  if (send(p->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length) return true;
  leave(p);
  return false;
}

// Spread over the order of joining, and never the first, who may be the ones that do not read.
static bool is_sampled(uint32_t index) {
  return sampled_wanted > 0 && index % (player_count / sampled_wanted) == player_count / sampled_wanted / 2;
}

// With a message's kernel receive time; needed while joining, and then by the sampled.
static void set_timestamps(const struct player *p, int is_wanted) {
  setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &is_wanted, sizeof is_wanted);
}

static void open_player(void) {
  struct player *p = &players[opened];
  p->fd = start_connecting(&address);
  if (p->fd < 0) fail("drain: connect");
  set_timestamps(p, true);
  if (is_sampled(opened)) {
    p->carry = malloc(CARRY_BYTES);
    if (p->carry == NULL) fail("drain");
  }
  p->state = CONNECTING;
  p->join_ms = p->first_ms = -1;
  p->is_unread = opened < unread_wanted;
  p->started_s = now_s();
  connecting++;
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = opened};
  if (epoll_ctl(set, EPOLL_CTL_ADD, p->fd, &event) != 0) fail("epoll_ctl");
  opened++;
}

static void ask_rtsp(struct player *p) {
  char next[1024];
  const size_t length = put_rtsp_request(p->opening, url, next, sizeof next);
  p->asked_s = now_s();
  if (length == 0) leave(p);
  else send_all(p, (const uint8_t *)next, length);
}

static void connected(struct player *p) {
  if (!is_connected(p->fd)) return leave(p);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(p - players)};
  epoll_ctl(set, EPOLL_CTL_MOD, p->fd, &event);
  connecting--;
  // On loopback it stood when connect() returned, unless the backlog was full.
  p->own_ms = (float)((now_s() - p->started_s) * 1000);
  if (protocol == RTSP) {
    p->state = STARTING;
    p->opening = calloc(1, sizeof *p->opening);
    if (p->opening == NULL) fail("drain");
    return ask_rtsp(p);
  }
  if (protocol != RTMP) {
    p->state = STARTING;
    send_all(p, request.bytes, request.length);
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
  if (p->carry == NULL) set_timestamps(p, false);
  joined++;
  total_bytes += media_bytes;
  if (p->is_unread) epoll_ctl(set, EPOLL_CTL_DEL, p->fd, NULL);
}

// When the kernel received the newest of the bytes, so that this program's own turn is not in the figure.
static uint64_t received_at_ns(struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec t;
    memcpy(&t, CMSG_DATA(part), sizeof t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
  }
  return 0;
}

// Of a joining player; counts how long it had been there.
static ssize_t receive_timed(struct player *p, uint8_t *target, size_t length) {
  char control[128];
  struct iovec part = {target, length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  const ssize_t got = recvmsg(p->fd, &message, 0);
  const uint64_t at_ns = got > 0 ? received_at_ns(&message) : 0;
  if (at_ns != 0) p->own_ms += (float)((double)(int64_t)(wall_ns() - at_ns) / 1e6);
  return got;
}

// Answers, and behind the last of them media.
static void receive_answers(struct player *p, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    if (p->early_bytes > 0) {
      p->first_ms = (float)((now_s() - p->asked_s) * 1000);
      free(p->opening);
      p->opening = NULL;
      return started(p, count);
    }
    bool is_whole;
    const int taken = take_rtsp_answer(p->opening, bytes, count, url, &is_whole);
    if (taken < 0) return leave(p);
    bytes += taken;
    count -= (size_t)taken;
    if (!is_whole) continue;
    if (p->opening->is_asked_to_play) p->early_bytes = 1;
    else ask_rtsp(p);
    if (p->state == CLOSED) return;
  }
}

static void receive_early(struct player *p) {
  if (p->state == HANDSHAKE) {
    const ssize_t got = receive_timed(p, p->hello + p->early_bytes, HELLO_BYTES - p->early_bytes);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) leave(p);
      return;
    }
    p->early_bytes += (uint32_t)got;
    if (p->early_bytes < HELLO_BYTES) return;
    p->early_bytes = 0;
    p->state = STARTING;
    const bool is_sent = send_all(p, p->hello + 1, 1536) && send_all(p, request.bytes, request.length);
    free(p->hello);
    p->hello = NULL;
    (void)is_sent;
    return;
  }
  const ssize_t got = receive_timed(p, scratch, scratch_bytes);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(p);
    return;
  }
  if (protocol == RAW) return started(p, (size_t)got);
  if (protocol == RTSP) return receive_answers(p, scratch, (size_t)got);
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

static void receive_sampled(struct player *p) {
  char control[128];
  struct iovec part = {scratch, scratch_bytes};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  const ssize_t got = recvmsg(p->fd, &message, 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(p);
    return;
  }
  total_bytes += (uint64_t)got;
  p->window_bytes += (uint64_t)got;
  const uint64_t at_ns = received_at_ns(&message);
  const uint8_t *from = scratch - p->carry_bytes, *const end = scratch + got;
  memcpy(scratch - p->carry_bytes, p->carry, p->carry_bytes);
  for (const uint8_t *found; (found = memmem(from, (size_t)(end - from), mark_id, sizeof mark_id)) != NULL;) {
    if (end - found < 32) break;
    from = found + 32;
    if (!is_measuring || at_ns == 0 || latency_count == latency_capacity) continue;
    latencies_ms[latency_count++] = (float)((double)(int64_t)(at_ns - time_of_mark(found + 16)) / 1e6);
  }
  // What is searched again can't hold a whole mark.
  p->carry_bytes = (uint32_t)(end - from < CARRY_BYTES ? end - from : CARRY_BYTES);
  memcpy(p->carry, end - p->carry_bytes, p->carry_bytes);
}

static void receive(struct player *p) {
  if (p->state != PLAYING) return receive_early(p);
  if (p->carry != NULL) return receive_sampled(p);
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

static void print_joins(uint32_t from, uint32_t to, float *sorted) {
  uint32_t count = 0;
  for (uint32_t i = from; i < to; i++) {
    if (players[i].join_ms >= 0) sorted[count++] = players[i].join_ms;
  }
  printf("{\"from\":%u,", from);
  print_times(sorted, count);
  count = 0;
  for (uint32_t i = from; i < to; i++) {
    if (players[i].join_ms >= 0) sorted[count++] = players[i].own_ms;
  }
  printf(",\"own\":{");
  print_times(sorted, count);
  printf("}}");
}

int main(int argc, char **argv) {
  const char *protocol_name = argc > 1 ? argv[1] : "";
  if (argc < 5 || argc > 14) {
    fprintf(stderr, "usage: drain <flv|rtmp|rtsp|raw> <port> <app/name> <players> [joins per second] [settle s] [window s] "
                    "[server's pid] [unread] [ceiling s] [sampled] [spin] [hold s]\n");
    return 2;
  }
  if (strcmp(protocol_name, "flv") == 0) protocol = FLV;
  else if (strcmp(protocol_name, "rtmp") == 0) protocol = RTMP;
  else if (strcmp(protocol_name, "rtsp") == 0) protocol = RTSP;
  else if (strcmp(protocol_name, "raw") == 0) protocol = RAW;
  else {
    fprintf(stderr, "drain: %s is none of flv, rtmp, rtsp and raw\n", protocol_name);
    return 2;
  }
  const int port = atoi(argv[2]);
  player_count = (uint32_t)atoi(argv[4]);
  const double rate = argc > 5 ? atof(argv[5]) : 2000, settle_s = argc > 6 ? atof(argv[6]) : 1;
  const double window_s = argc > 7 ? atof(argv[7]) : 3;
  const int pid = argc > 8 ? atoi(argv[8]) : 0;
  unread_wanted = argc > 9 ? (uint32_t)atoi(argv[9]) : 0;
  const double ceiling_s = argc > 10 ? atof(argv[10]) : 60;
  sampled_wanted = argc > 11 ? (uint32_t)atoi(argv[11]) : 0;
  if (sampled_wanted > player_count) sampled_wanted = player_count;
  is_spinning = argc > 12 && atoi(argv[12]) != 0;
  const double hold_s = argc > 13 ? atof(argv[13]) : 0;
  address = loopback(port);
  if (protocol == RTMP) put_rtmp_opening(&request, "play", argv[3]);
  else put_flv_request(&request, argv[3], port);
  snprintf(url, sizeof url, "rtsp://127.0.0.1:%d/%s", port, argv[3]);
  players = calloc(player_count, sizeof *players);
  float *sorted = calloc(player_count, sizeof *sorted);
  set = epoll_create1(EPOLL_CLOEXEC);
  latency_capacity = sampled_wanted * (uint32_t)(window_s * MAX_PICTURES_PER_SECOND + 1);
  latencies_ms = calloc(latency_capacity + 1, sizeof *latencies_ms);
  if (players == NULL || sorted == NULL || latencies_ms == NULL || set < 0) fail("drain");
  const double start = now_s(), last = start + ceiling_s - settle_s - window_s;
  while (joined + refused < player_count && now_s() < last) {
    const double now = now_s();
    for (int i = 0; i < MAX_OPENED_PER_TURN && opened < player_count && connecting < MAX_CONNECTING; i++) {
      if (start + opened / rate > now) break;
      open_player();
    }
    work(opened < player_count ? 1 : 50);
  }
  const double join_seconds = now_s() - start;
  work_until(now_s() + settle_s);

  for (uint32_t i = 0; i < player_count; i++) players[i].window_bytes = 0;
  const uint64_t bytes_before = total_bytes;
  is_measuring = true;
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
  uint32_t first_count = 0;
  for (uint32_t i = 0; i < player_count; i++) {
    if (players[i].first_ms >= 0) sorted[first_count++] = players[i].first_ms;
  }
  printf("],\"first\":{");
  print_times(sorted, first_count);
  printf("},\"latency\":{");
  print_times(latencies_ms, latency_count);
  printf("}}\n");
  fflush(stdout);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  for (const double until = now_s() + hold_s; now_s() < until && poll(&input, 1, 0) == 0;) work(20);
  return 0;
}
