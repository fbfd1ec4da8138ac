// Connections that come and go: players by RTMP and HTTP-FLV, and publishers, some hundreds at a time, one thread.
//
//   churn <rtmp port> <http port> <app/name> <connections> <at once> <per second> <ceiling s>
//
// Of twenty connections one publishes (a stream named after its place, and leaves when accepted), the others play <app/name>, by
// RTMP and HTTP-FLV in turn, and leave at their first media byte; one of sixteen leaves earlier, as soon as it is connected.
// Leaving is close(): with bytes unread that is a reset, else a FIN. Prints one line of JSON: how many of each came to their end,
// and how many the server closed before.
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "load.h"

#define RTMP_ANSWER_BYTES 2048  // what may come before media: see drain.c
#define FLV_HEAD_BYTES 512      // response head and file header are shorter, a key frame is longer
#define ANSWER_BYTES 4096
#define IMPATIENCE_S 10         // a connection that gets nothing for so long is given up

enum kind { RTMP_PLAYER, FLV_PLAYER, PUBLISHER, KINDS };
enum state { FREE, CONNECTING, HANDSHAKE, STARTING };

struct client {
  int fd;
  enum state state;
  enum kind kind;
  bool is_hasty;
  uint32_t early_bytes;
  double started_s;
  uint8_t early[ANSWER_BYTES];
};

static struct client *clients;
static uint32_t client_count, open_count;
static uint64_t opened, wanted, done[KINDS], hasty_count, failed[KINDS];
static struct sockaddr_in rtmp_address, http_address;
static struct request play_request, flv_request;
static const char *stream_name;
static int set;
static double next_s;

static void leave(struct client *c, bool is_done) {
  close(c->fd);
  if (is_done && c->is_hasty) hasty_count++;
  else (is_done ? done : failed)[c->kind]++;
  c->state = FREE;
  open_count--;
}

static void start(struct client *c) {
  *c = (struct client){.kind = opened % 20 == 0 ? PUBLISHER : opened % 2 == 0 ? RTMP_PLAYER : FLV_PLAYER};
  c->is_hasty = opened % 16 == 15;
  opened++;
  c->fd = start_connecting(c->kind == FLV_PLAYER ? &http_address : &rtmp_address);
  if (c->fd < 0) fail("churn: connect");
  c->state = CONNECTING;
  c->started_s = now_s();
  open_count++;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = (uint32_t)(c - clients)};
  if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
}

static bool send_all(struct client *c, const uint8_t *bytes, size_t length) {
  if (send(c->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length) return true;
  leave(c, false);
  return false;
}

static void connected(struct client *c) {
  static const uint8_t hello[1 + 1536] = {3};
  if (!is_connected(c->fd)) return leave(c, false);
  if (c->is_hasty) return leave(c, true);
  c->state = c->kind == FLV_PLAYER ? STARTING : HANDSHAKE;
  if (c->kind == FLV_PLAYER) send_all(c, flv_request.bytes, flv_request.length);
  else send_all(c, hello, sizeof hello);
}

static void ask(struct client *c) {
  if (!send_all(c, c->early + 1, 1536)) return;
  c->state = STARTING;
  c->early_bytes = 0;
  if (c->kind == RTMP_PLAYER) {
    send_all(c, play_request.bytes, play_request.length);
    return;
  }
  char name[128];
  snprintf(name, sizeof name, "%s-%u", stream_name, (uint32_t)(c - clients));
  struct request request = {.length = 0};
  put_rtmp_opening(&request, "publish", name);
  send_all(c, request.bytes, request.length);
}

static void receive(struct client *c) {
  while (c->state != FREE) {
    const size_t room = (c->state == HANDSHAKE ? HELLO_BYTES : ANSWER_BYTES) - c->early_bytes;
    const ssize_t got = recv(c->fd, c->early + c->early_bytes, room, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return leave(c, false);
    c->early_bytes += (uint32_t)got;
    if (c->state == HANDSHAKE) {
      if (c->early_bytes == HELLO_BYTES) ask(c);
    } else if (c->kind == RTMP_PLAYER) {
      if (c->early_bytes > RTMP_ANSWER_BYTES) leave(c, true);
    } else if (c->kind == FLV_PLAYER) {
      if (c->early_bytes > FLV_HEAD_BYTES) leave(c, memcmp(c->early, "HTTP/1.1 200", 12) == 0);
    } else if (memmem(c->early, c->early_bytes, "NetStream.Publish.Start", 23) != NULL) {
      leave(c, true);
    } else if (c->early_bytes == ANSWER_BYTES || memmem(c->early, c->early_bytes, "NetStream.Publish.", 18) != NULL) {
      leave(c, false);
    }
  }
}

static void give_up(double now) {
  for (uint32_t i = 0; i < client_count; i++) {
    if (clients[i].state != FREE && now - clients[i].started_s > IMPATIENCE_S) leave(&clients[i], false);
  }
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: churn <rtmp port> <http port> <app/name> <connections> <at once> <per second> <ceiling s>\n");
    return 2;
  }
  rtmp_address = loopback(atoi(argv[1]));
  http_address = loopback(atoi(argv[2]));
  stream_name = argv[3];
  wanted = (uint64_t)atoll(argv[4]);
  client_count = (uint32_t)atoi(argv[5]);
  const double rate = atof(argv[6]), ceiling_s = atof(argv[7]);
  put_rtmp_opening(&play_request, "play", stream_name);
  put_flv_request(&flv_request, stream_name, atoi(argv[2]));
  clients = calloc(client_count, sizeof *clients);
  set = epoll_create1(EPOLL_CLOEXEC);
  if (clients == NULL || set < 0) fail("churn");
  const double begun = now_s();
  double swept_s = begun;
  next_s = begun;
  uint32_t at = 0;
  while ((opened < wanted || open_count > 0) && now_s() - begun < ceiling_s) {
    double now = now_s();
    while (opened < wanted && open_count < client_count && next_s <= now) {
      while (clients[at].state != FREE) at = (at + 1) % client_count;
      start(&clients[at]);
      at = (at + 1) % client_count;
      next_s += 1 / rate;
    }
    if (next_s < now) next_s = now;  // what could not be opened in time is not made up for
    struct epoll_event ready[512];
    const int count = epoll_wait(set, ready, 512, 1);
    for (int i = 0; i < count; i++) {
      struct client *c = &clients[ready[i].data.u32];
      // An event of one that has left earlier in this batch: its place is free, or begins anew and will hear for itself.
      if (c->state == CONNECTING && (ready[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) connected(c);
      if (c->state > CONNECTING && (ready[i].events & ~(uint32_t)EPOLLOUT) != 0) receive(c);
    }
    if (now - swept_s > 1) give_up(swept_s = now);
  }
  printf("{\"opened\":%llu,\"seconds\":%.3f,\"rtmpPlayers\":%llu,\"flvPlayers\":%llu,\"publishers\":%llu,\"hasty\":%llu,"
         "\"failedRtmpPlayers\":%llu,\"failedFlvPlayers\":%llu,\"failedPublishers\":%llu}\n",
         (unsigned long long)opened, now_s() - begun, (unsigned long long)done[RTMP_PLAYER], (unsigned long long)done[FLV_PLAYER],
         (unsigned long long)done[PUBLISHER], (unsigned long long)hasty_count, (unsigned long long)failed[RTMP_PLAYER],
         (unsigned long long)failed[FLV_PLAYER], (unsigned long long)failed[PUBLISHER]);
  return 0;
}
