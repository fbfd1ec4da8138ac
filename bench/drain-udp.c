// Load generator of the UDP benchmark: thousands of players in one thread that take packets and throw them away.
//
//   drain-udp <first port> <players> <gro> <settle s> <window s> <server's pid> <ceiling s>
//
// A socket for each player, bound to one port of loopback after the other. With <gro> 1 the kernel hands over what was sent in one
// piece in one piece (UDP_GRO), as a player's own machine would; with 0 each packet by itself. The bytes are never copied to this
// process (MSG_TRUNC). When all have had their first packet and <settle> has passed, a window of <window> seconds is measured: bytes,
// packets that the kernel had no room for (SO_RXQ_OVFL), the server's CPU time (all threads, nanoseconds) and memory.
//
// Prints "ready" on standard error when all sockets are there, and one line of JSON at the end.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/udp.h>
#include <sys/epoll.h>

#include "load.h"

struct player {
  int fd;
  bool is_joined;
  uint64_t window_bytes;
  uint32_t overflow_count;
};

static struct player *players;
static int set;
static uint32_t player_count, joined;
static uint64_t total_bytes, lost_packets;

static void open_player(uint32_t index, int first_port, bool is_gro) {
  struct player *p = &players[index];
  const struct sockaddr_in address = loopback(first_port + (int)index);
  const int one = 1, buffer_bytes = 1 << 20;
  p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (p->fd < 0) fail("drain-udp: socket");
  setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  setsockopt(p->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  if (is_gro) setsockopt(p->fd, SOL_UDP, UDP_GRO, &one, sizeof one);
  if (bind(p->fd, (const struct sockaddr *)&address, sizeof address) != 0) fail("drain-udp: bind");
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(set, EPOLL_CTL_ADD, p->fd, &event) != 0) fail("epoll_ctl");
}

static void count_losses(struct player *p, struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t count;
    memcpy(&count, CMSG_DATA(part), sizeof count);
    lost_packets += count - p->overflow_count;
    p->overflow_count = count;
  }
}

static void receive(struct player *p) {
  for (int i = 0; i < 64; i++) {
    uint8_t byte, control[128];
    struct iovec part = {&byte, sizeof byte};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    const ssize_t got = recvmsg(p->fd, &message, MSG_TRUNC);
    if (got < 0) return;
    if (!p->is_joined) joined++;
    p->is_joined = true;
    total_bytes += (uint64_t)got;
    p->window_bytes += (uint64_t)got;
    count_losses(p, &message);
  }
}

static void work_until(double until_s) {
  static struct epoll_event ready[1024];
  for (double now = now_s(); now < until_s; now = now_s()) {
    const int count = epoll_wait(set, ready, 1024, (int)((until_s - now) * 1000) + 1);
    for (int i = 0; i < count; i++) receive(&players[ready[i].data.u32]);
  }
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: drain-udp <first port> <players> <gro> <settle s> <window s> <server's pid> <ceiling s>\n");
    return 2;
  }
  player_count = (uint32_t)atoi(argv[2]);
  const double settle_s = atof(argv[4]), window_s = atof(argv[5]), ceiling_s = atof(argv[7]);
  const int pid = atoi(argv[6]);
  players = calloc(player_count, sizeof *players);
  set = epoll_create1(EPOLL_CLOEXEC);
  if (players == NULL || set < 0 || player_count == 0) fail("drain-udp");
  for (uint32_t i = 0; i < player_count; i++) open_player(i, atoi(argv[1]), atoi(argv[3]) != 0);
  fprintf(stderr, "ready\n");
  const double last = now_s() + ceiling_s - settle_s - window_s;
  while (joined < player_count && now_s() < last) work_until(now_s() + 0.05);
  work_until(now_s() + settle_s);

  for (uint32_t i = 0; i < player_count; i++) players[i].window_bytes = 0;
  const uint64_t bytes_before = total_bytes, lost_before = lost_packets;
  const double start = now_s(), cpu_before = cpu_of(pid), own_before = cpu_of(getpid());
  work_until(start + window_s);
  const double seconds = now_s() - start, cpu = cpu_of(pid) - cpu_before, own = cpu_of(getpid()) - own_before;
  const double bytes = (double)(total_bytes - bytes_before), mean = bytes / player_count;
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < player_count; i++) {
    if (players[i].window_bytes < least) least = players[i].window_bytes;
  }
  printf("{\"players\":%u,\"joined\":%u,\"lostPackets\":%llu,\"seconds\":%.6f,\"bytes\":%.0f,\"cpuSeconds\":%.6f,"
         "\"ownCpuSeconds\":%.6f,\"residentBytes\":%.0f,\"leastShare\":%.3f}\n",
         player_count, joined, (unsigned long long)(lost_packets - lost_before), seconds, bytes, cpu, own, resident_of(pid),
         mean > 0 ? (double)least / mean : 0);
  return 0;
}
