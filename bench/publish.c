// Publishers by the hundred in one thread: what an encoder sends, made once, sent by all of them.
//
//   publish <port> <app/name> <publishers> <file.flv> [starts per second] [settle s] [window s] [server's pid] [ceiling s]
//
// Reads H.264 and AAC from the file, and connects <publishers> over RTMP at the given rate; when there are several, each adds its
// number to the name. Each sends the file's messages again and again at their times, every message by a send of its own, as
// encoders do, in chunks of 4,096 bytes (OBS). Times in RTMP's chunk headers are differences (format 1), so the bytes are the same
// for all and for ever. Each picture is marked with the time of its sending (load.h). A socket that takes less than it is given is
// remembered and goes on when epoll says so; that is counted.
//
// When all have been accepted and <settle> has passed, a window of <window> seconds is measured, and one line of JSON printed:
// messages and bytes sent, the server's CPU time and memory. A window of 0 publishes until <ceiling> or a signal.
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "load.h"

#define CHUNK_BYTES 4096
#define ANSWER_BYTES 4096   // in which "publish" is answered
#define MAX_CONNECTING 256
#define SLOTS 256           // of 1 ms: more than there is between two messages

// One message as chunks; `mark` is where its mark is, 0: it has none.
struct message {
  uint8_t *bytes;
  uint32_t length, mark;
  double due_ms;  // since the loop began
};

enum state { CONNECTING, HANDSHAKE, STARTING, PUBLISHING, CLOSED };

struct publisher {
  int fd;
  enum state state;
  uint32_t early_bytes;
  uint8_t *early;          // the handshake, then the answers
  double loop_ms;          // when its current loop began
  uint32_t next;           // the message that is due next
  uint32_t offset;         // of it, this much has left
  bool is_blocked;
  uint32_t next_in_slot;   // 0: none, else a number + 1
};

static struct publisher *publishers;
static uint32_t publisher_count, opened, connecting, accepted, refused, closed;
static struct message opening, *messages;
static uint32_t message_count;
static double loop_duration_ms;
static uint32_t slots[SLOTS];
static uint64_t sent_messages, sent_bytes, blocked_count;
static double most_late_ms;
static struct sockaddr_in address;
static const char *stream_name;
static int set;
static uint8_t scratch[65536];

static double now_ms(void) { return now_s() * 1000; }

// ---- The file, as messages.

static void append(struct message *to, const void *bytes, size_t length) {
  to->bytes = realloc(to->bytes, to->length + length);
  if (to->bytes == NULL) fail("publish");
  memcpy(to->bytes + to->length, bytes, length);
  to->length += (uint32_t)length;
}

// One RTMP message: format 0 with a time of 0 when it is the first of its chunk stream, else format 1 with a difference.
static void append_message(struct message *to, bool is_first, uint32_t delta_ms, int type, const uint8_t *body, size_t length) {
  const uint8_t chunk_stream = type == 9 ? 6 : type == 8 ? 4 : 5;
  uint8_t header[12], *at = header;
  *at++ = (uint8_t)((is_first ? 0 : 0x40) | chunk_stream);
  at = put_u24(put_u24(at, is_first ? 0 : delta_ms), (uint32_t)length);
  *at++ = (uint8_t)type;
  if (is_first) *at++ = 1, *at++ = 0, *at++ = 0, *at++ = 0;
  append(to, header, (size_t)(at - header));
  for (size_t done = 0; done < length; done += CHUNK_BYTES) {
    const uint8_t more = 0xc0 | chunk_stream;
    if (done > 0) append(to, &more, 1);
    append(to, body + done, length - done < CHUNK_BYTES ? length - done : CHUNK_BYTES);
  }
}

struct tag {
  int type;
  double time_ms;
  const uint8_t *body;
  size_t length;
  double before_ms;  // the time of its kind's tag before
};

static void add_frame(const struct tag *tag) {
  messages = realloc(messages, (message_count + 1) * sizeof *messages);
  if (messages == NULL) fail("publish");
  struct message *message = &messages[message_count++];
  *message = (struct message){.due_ms = tag->time_ms};
  const uint32_t delta_ms = (uint32_t)(tag->time_ms - tag->before_ms);
  if (tag->type != 9) return append_message(message, false, delta_ms, tag->type, tag->body, tag->length);
  uint8_t *marked = malloc(tag->length + MARK_BYTES);
  if (marked == NULL) fail("publish");
  memcpy(marked, tag->body, 5);
  put_mark(marked + 5);
  memcpy(marked + 5 + MARK_BYTES, tag->body + 5, tag->length - 5);
  append_message(message, false, delta_ms, 9, marked, tag->length + MARK_BYTES);
  message->mark = 8 + 5;
  free(marked);
}

static void read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) fail(path);
  const size_t size = (size_t)ftell(file);
  uint8_t *bytes = malloc(size);
  rewind(file);
  if (bytes == NULL || size < 13 || fread(bytes, 1, size, file) != size || memcmp(bytes, "FLV", 3) != 0) fail(path);
  fclose(file);
  struct tag *tags = calloc(size / 15 + 1, sizeof *tags);
  if (tags == NULL) fail("publish");
  size_t count = 0;
  double last_ms[2] = {0, 0};
  bool has_header[2] = {false, false};
  for (size_t at = 13; at + 15 <= size;) {
    const size_t length = (size_t)(bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
    const uint8_t *body = bytes + at + 11;
    const int type = bytes[at];
    const double time_ms = bytes[at + 4] << 16 | bytes[at + 5] << 8 | bytes[at + 6] | (uint32_t)bytes[at + 7] << 24;
    at += 11 + length + 4;
    if (at > size || (type != 8 && type != 9) || length < 6) continue;
    const int kind = type == 9;
    if (body[1] == 0) {
      if (!has_header[kind]) append_message(&opening, true, 0, type, body, length);
      has_header[kind] = true;
    } else if (body[1] == 1) {
      tags[count++] = (struct tag){type, time_ms, body, length, last_ms[kind]};
      last_ms[kind] = time_ms;
    }
  }
  if (!has_header[0] || !has_header[1] || count < 2) {
    fprintf(stderr, "publish: %s holds no H.264 with AAC\n", path);
    exit(2);
  }
  // The next loop begins when both kinds have ended; its first messages count from the last ones of this.
  loop_duration_ms = last_ms[1] + 40 > last_ms[0] + 21 ? last_ms[1] + 40 : last_ms[0] + 21;
  bool is_first[2] = {true, true};
  for (size_t i = 0; i < count; i++) {
    const int kind = tags[i].type == 9;
    if (is_first[kind]) tags[i].before_ms = last_ms[kind] - loop_duration_ms;
    is_first[kind] = false;
    add_frame(&tags[i]);
  }
  free(tags);
  free(bytes);
}

// ---- Publishers.

static void leave(struct publisher *p) {
  if (p->state == CLOSED) return;
  if (p->state == CONNECTING) connecting--;
  if (p->state == PUBLISHING) closed++;
  else refused++;
  close(p->fd);
  free(p->early);
  p->early = NULL;
  p->state = CLOSED;
}

static bool send_all(struct publisher *p, const uint8_t *bytes, size_t length) {
  if (send(p->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length) return true;
  leave(p);
  return false;
}

static void open_publisher(void) {
  struct publisher *p = &publishers[opened];
  p->fd = start_connecting(&address);
  if (p->fd < 0) fail("publish: connect");
  p->state = CONNECTING;
  connecting++;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = opened};
  if (epoll_ctl(set, EPOLL_CTL_ADD, p->fd, &event) != 0) fail("epoll_ctl");
  opened++;
}

static void say_hello(struct publisher *p) {
  static const uint8_t hello[1 + 1536] = {3};
  if (!is_connected(p->fd)) return leave(p);
  connecting--;
  p->state = HANDSHAKE;
  p->early = malloc(HELLO_BYTES > ANSWER_BYTES ? HELLO_BYTES : ANSWER_BYTES);
  if (p->early == NULL) fail("publish");
  send_all(p, hello, sizeof hello);
}

static void ask_to_publish(struct publisher *p) {
  char name[128];
  const uint32_t index = (uint32_t)(p - publishers);
  if (publisher_count == 1) snprintf(name, sizeof name, "%s", stream_name);
  else snprintf(name, sizeof name, "%s%u", stream_name, index);
  struct request request = {.length = 0};
  put_rtmp_opening(&request, "publish", name);
  const uint8_t chunk_size[16] = {2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, CHUNK_BYTES >> 8, CHUNK_BYTES & 0xff};
  if (!send_all(p, p->early + 1, 1536) || !send_all(p, request.bytes, request.length)) return;
  if (!send_all(p, chunk_size, sizeof chunk_size)) return;
  p->state = STARTING;
  p->early_bytes = 0;
}

static void schedule(struct publisher *p) {
  uint32_t *slot = &slots[(uint64_t)(p->loop_ms + messages[p->next].due_ms) % SLOTS];
  p->next_in_slot = *slot;
  *slot = (uint32_t)(p - publishers) + 1;
}

// Sends what is due; false: it is blocked or gone.
static bool send_due(struct publisher *p, double now) {
  for (;;) {
    struct message *message = &messages[p->next];
    const double late_ms = now - (p->loop_ms + message->due_ms);
    if (late_ms < 0) return true;
    if (late_ms > most_late_ms) most_late_ms = late_ms;
    if (p->offset == 0 && message->mark > 0) stamp_mark(message->bytes + message->mark, wall_ns());
    const ssize_t sent = send(p->fd, message->bytes + p->offset, message->length - p->offset, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      leave(p);
      return false;
    }
    if (sent > 0) p->offset += (uint32_t)sent, sent_bytes += (uint64_t)sent;
    if (p->offset < message->length) {
      p->is_blocked = true;
      blocked_count++;
      return false;
    }
    p->offset = 0;
    sent_messages++;
    if (++p->next == message_count) {
      p->next = 0;
      p->loop_ms += loop_duration_ms;
    }
  }
}

static void start_publishing(struct publisher *p) {
  free(p->early);
  p->early = NULL;
  p->state = PUBLISHING;
  accepted++;
  p->loop_ms = now_ms();
  if (send_all(p, opening.bytes, opening.length)) schedule(p);
}

static void receive(struct publisher *p) {
  for (;;) {
    if (p->state == CLOSED) return;
    const bool is_early = p->state != PUBLISHING;
    const size_t room = p->state == HANDSHAKE ? HELLO_BYTES - p->early_bytes : ANSWER_BYTES - p->early_bytes;
    if (is_early && room == 0) return leave(p);
    const ssize_t got = is_early ? recv(p->fd, p->early + p->early_bytes, room, 0) : recv(p->fd, scratch, sizeof scratch, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return leave(p);
    if (!is_early) continue;
    p->early_bytes += (uint32_t)got;
    if (p->state == HANDSHAKE) {
      if (p->early_bytes == HELLO_BYTES) ask_to_publish(p);
    } else if (memmem(p->early, p->early_bytes, "NetStream.Publish.Start", 23) != NULL) {
      start_publishing(p);
    }
  }
}

static void handle(struct publisher *p, uint32_t events) {
  if (p->state == CLOSED) return;
  if (p->state == CONNECTING) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) say_hello(p);
  } else if ((events & EPOLLOUT) != 0 && p->is_blocked) {
    p->is_blocked = false;
    if (send_due(p, now_ms())) schedule(p);
  }
  if (p->state != CLOSED && (events & ~(uint32_t)EPOLLOUT) != 0) receive(p);
}

static void work(double until_ms) {
  static uint64_t turned_ms;
  if (turned_ms == 0) turned_ms = (uint64_t)now_ms();
  struct epoll_event ready[512];
  for (double now = now_ms(); now < until_ms; now = now_ms()) {
    const int count = epoll_wait(set, ready, 512, 1);
    for (int i = 0; i < count; i++) handle(&publishers[ready[i].data.u32], ready[i].events);
    for (now = now_ms(); turned_ms < (uint64_t)now; turned_ms++) {
      uint32_t link = slots[turned_ms % SLOTS];
      slots[turned_ms % SLOTS] = 0;
      while (link != 0) {
        struct publisher *p = &publishers[link - 1];
        link = p->next_in_slot;
        // What is not due before this slot's next round stays.
        if (p->state == PUBLISHING && !p->is_blocked && send_due(p, now)) schedule(p);
      }
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 5 || argc > 10) {
    fprintf(stderr, "usage: publish <port> <app/name> <publishers> <file.flv> [starts per second] [settle s] [window s] "
                    "[server's pid] [ceiling s]\n");
    return 2;
  }
  const int port = atoi(argv[1]);
  stream_name = argv[2];
  publisher_count = (uint32_t)atoi(argv[3]);
  read_file(argv[4]);
  const double rate = argc > 5 ? atof(argv[5]) : 200, settle_s = argc > 6 ? atof(argv[6]) : 1;
  const double window_s = argc > 7 ? atof(argv[7]) : 0;
  const int pid = argc > 8 ? atoi(argv[8]) : 0;
  const double ceiling_s = argc > 9 ? atof(argv[9]) : 60;
  address = loopback(port);
  publishers = calloc(publisher_count, sizeof *publishers);
  set = epoll_create1(EPOLL_CLOEXEC);
  if (publishers == NULL || set < 0 || publisher_count == 0) fail("publish");
  const double start = now_s(), last = start + ceiling_s - settle_s - window_s;
  while (accepted + refused < publisher_count && now_s() < last) {
    const double now = now_s();
    while (opened < publisher_count && connecting < MAX_CONNECTING && start + opened / rate <= now) open_publisher();
    work(now * 1000 + 2);
  }
  fprintf(stderr, "accepted %u\n", accepted);
  if (window_s == 0) {
    work((start + ceiling_s) * 1000);
    return 0;
  }
  work((now_s() + settle_s) * 1000);
  const uint64_t messages_before = sent_messages, bytes_before = sent_bytes, blocked_before = blocked_count;
  most_late_ms = 0;
  const double window_start = now_s(), cpu_before = cpu_of(pid), own_before = cpu_of(getpid());
  work((window_start + window_s) * 1000);
  const double seconds = now_s() - window_start, cpu = cpu_of(pid) - cpu_before, own = cpu_of(getpid()) - own_before;
  printf("{\"publishers\":%u,\"accepted\":%u,\"refused\":%u,\"closed\":%u,\"seconds\":%.6f,\"messages\":%llu,\"bytes\":%llu,"
         "\"blocked\":%llu,\"mostLateMs\":%.1f,\"cpuSeconds\":%.6f,\"ownCpuSeconds\":%.6f,\"residentBytes\":%.0f}\n",
         publisher_count, accepted, refused, closed, seconds, (unsigned long long)(sent_messages - messages_before),
         (unsigned long long)(sent_bytes - bytes_before), (unsigned long long)(blocked_count - blocked_before), most_late_ms,
         cpu, own, resident_of(pid));
  return 0;
}
