// Listening, accepting, connecting, receiving, control bytes, closing.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shard.h"

namespace millrace {

const Syscalls kRealSyscalls = {::sendmsg, ::recv, ::accept4, ::connect, ::getsockopt, ::sendmmsg, ::recvmmsg};

namespace {

constexpr int kAcceptBatch = 64;          // a herd of players is taken in a few turns, and does not starve the others
constexpr size_t kReceiveChunk = 65536;   // what one connection may bring in one turn
constexpr double kLingerMs = 2000;        // a peer that does not close its side is not waited for
constexpr int kReservedDescriptors = 64;  // for files, the API and the addon itself
// What the kernel may hold for a peer that does not take it: a join's burst at a few Mb/s. Otherwise its buffer grows to 4 MiB first,
// and the peer is found out half a minute later. What is on its way and unacknowledged is not limited by it.
constexpr int kMaxUnsentBytes = 512 * 1024;
constexpr int kListenerBit = 1 << 30;     // epoll data: listeners and connections share it
constexpr uint64_t kDoorbell = kListenerBit - 1;
constexpr uint64_t kPacedSet = kListenerBit - 2;
constexpr int kReadyBatch = 128;          // sockets a turn: some ms of publishers, whose bytes fit into the receive buffer
// Between two sweeps, which are a second apart: an encoder sends 25 and more messages a second, a player asks for something now and
// then. Paced, 20 reads are left of an encoder's.
constexpr int kReadsToPace = 16;
constexpr int kReadsToStayPaced = 4;

// Null: not a numeric address.
addrinfo* NumericAddress(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  return getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) == 0 ? found : nullptr;
}

void SetOptions(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMaxUnsentBytes, sizeof kMaxUnsentBytes);
}

}  // namespace

Shard::Shard(const Syscalls* syscalls, uint8_t* receive_buffer, size_t stream_length, size_t length)
    : sys_(syscalls),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      paced_fd_(epoll_create1(EPOLL_CLOEXEC)),
      receive_buffer_(receive_buffer),
      receive_length_(stream_length),
      datagrams_({syscalls, epoll_fd_, &logs_, &cursors_, &events_, &counters}, receive_buffer, stream_length, length) {
  doorbell_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kPacedSet;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, paced_fd_, &event);
  // Edge-triggered: every write is an event, and nobody need read the count.
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kDoorbell;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, doorbell_fd_, &event);
}

Shard::~Shard() {
  for (Connection& c : connections_) {
    if (c.fd >= 0) close(c.fd);
  }
  for (Listener& listener : listeners_) {
    if (listener.fd >= 0) close(listener.fd);
  }
  if (doorbell_fd_ >= 0) close(doorbell_fd_);
  if (paced_fd_ >= 0) close(paced_fd_);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

int Shard::Listen(const std::string& host, int port, int backlog, bool reuse_port, int max_connections, int* bound_port) {
  addrinfo* found = NumericAddress(host.empty() ? "::" : host, port, AI_PASSIVE);
  if (found == nullptr) return -EINVAL;
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = errno;
  if (fd >= 0) {
    const int one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (found->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    SetOptions(fd);  // those it accepts inherit them
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, backlog) != 0) {
      error = errno;
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  if (fd < 0) return -error;
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
  *bound_port = PortOf(reinterpret_cast<sockaddr*>(&bound));
  Listener listener;
  listener.fd = fd;
  listener.max_connections = max_connections;
  listeners_.push_back(listener);
  const int id = static_cast<int>(listeners_.size()) - 1;
  error = WatchListener(id);
  if (error == 0) return id;
  CloseListener(id);
  return -error;
}

int Shard::WatchListener(int id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint64_t>(kListenerBit | id);
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listeners_[id].fd, &event) == 0 ? 0 : errno;
}

// Level-triggered: left alone, a listener that can't accept would spin. The sweep resumes it, when descriptors are free again.
void Shard::PauseListener(Listener* listener) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listener->fd, nullptr);
  listener->is_paused = true;
  counters.accept_pauses++;
}

bool Shard::IsLastDescriptor(int fd) const {
  return descriptor_limit_ > 0 && fd >= std::max(descriptor_limit_ / 2, descriptor_limit_ - kReservedDescriptors) - 1;
}

void Shard::CloseListener(int id) {
  Listener& listener = listeners_[id];
  if (listener.fd >= 0) close(listener.fd);
  listener.fd = -1;
}

int Shard::Adopt(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : Take(copy);
}

int Shard::Take(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return AddConnection(fd, -1);
}

int Shard::Connect(const std::string& host, int port, const std::string& local_host) {
  const int fd = StartConnecting(host, port, local_host);
  const int id = TakeId(std::max(fd, -1), -1);
  Connection& c = connections_[id];
  const int error = fd < 0 ? -fd : Watch(id);
  if (error != 0) {
    if (fd >= 0) close(fd);
    c.fd = -1;
    counters.socket_errors++;
    events_.Emit(kEventClosed, id, error, 0);
    return id;
  }
  c.is_connecting = true;
  c.is_blocked = true;
  counters.open++;
  return id;
}

int Shard::StartConnecting(const std::string& host, int port, const std::string& local_host) {
  addrinfo* peer = NumericAddress(host, port, 0);
  addrinfo* local = local_host.empty() ? nullptr : NumericAddress(local_host, 0, AI_PASSIVE);
  int error = peer == nullptr || (local == nullptr && !local_host.empty()) ? EINVAL : 0;
  int fd = -1;
  if (error == 0) {
    fd = socket(peer->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) error = errno;
  }
  if (fd >= 0 && IsLastDescriptor(fd)) error = EMFILE;
  if (error == 0 && local != nullptr) {
    const int one = 1;
    // The port is chosen when the peer is known: as many as there are for each pair of addresses, and not for each of ours.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, local->ai_addr, local->ai_addrlen) != 0) error = errno;
  }
  if (error == 0 && sys_->connect(fd, peer->ai_addr, peer->ai_addrlen) != 0 && errno != EINPROGRESS && errno != EINTR) {
    error = errno;
  }
  if (peer != nullptr) freeaddrinfo(peer);
  if (local != nullptr) freeaddrinfo(local);
  if (error != 0 && fd >= 0) close(fd);
  return error == 0 ? fd : -error;
}

bool Shard::Connected(int id) {
  Connection* c = Get(id);
  int error = 0;
  socklen_t length = sizeof error;
  if (sys_->getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    Fail(id, error);
    return false;
  }
  c->is_connecting = false;
  c->is_blocked = false;
  events_.Emit(kEventConnected, id, 0, 0);
  Wake(id);  // what was to be sent before
  return Get(id) != nullptr;
}

int Shard::TakeId(int fd, int listener) {
  int id;
  if (free_.empty()) {
    id = static_cast<int>(connections_.size());
    connections_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Connection& c = connections_[id];
  const uint32_t generation = c.generation + 1;
  c = Connection();
  c.generation = generation;
  c.fd = fd;
  c.listener = listener;
  return id;
}

int Shard::Watch(int id) {
  const Connection& c = connections_[id];
  if (c.listener < 0) SetOptions(c.fd);
  epoll_event event = EventOf(id, c);
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, c.fd, &event) == 0 ? 0 : errno;
}

epoll_event Shard::EventOf(int id, const Connection& c) {
  epoll_event event{};
  // Edge-triggered for both directions: one epoll_ctl in the life of most connections.
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = static_cast<uint64_t>(c.generation) << 32 | static_cast<uint64_t>(id);
  return event;
}

void Shard::SetPaced(int id, bool is_paced) {
  Connection& c = connections_[id];
  if (c.is_paced == is_paced || paced_fd_ < 0) return;
  epoll_ctl(EpollOf(c), EPOLL_CTL_DEL, c.fd, nullptr);
  paced_count_ += is_paced ? 1 : -1;
  c.is_paced = is_paced;
  epoll_event event = EventOf(id, c);
  // What is there already is an event of the set that it comes to.
  if (epoll_ctl(EpollOf(c), EPOLL_CTL_ADD, c.fd, &event) != 0) Fail(id, errno);
}

bool Shard::PausePaced(bool is_paused) {
  is_paused = is_paused && paced_count_ > 0;
  if (is_paused == is_paced_paused_) return is_paused;
  is_paced_paused_ = is_paused;
  epoll_event event{};
  // Level-triggered: what is left in it is left to say.
  if (!is_paused) event.events = EPOLLIN;
  event.data.u64 = kPacedSet;
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, paced_fd_, &event);
  return is_paused;
}

int Shard::AddConnection(int fd, int listener) {
  const int id = TakeId(fd, listener);
  const int error = Watch(id);
  if (error != 0) {
    close(fd);
    connections_[id].fd = -1;
    free_.push_back(id);
    return -error;
  }
  counters.accepted++;
  counters.open++;
  return id;
}

void Shard::Accept(int listener_id) {
  Listener& listener = listeners_[listener_id];
  for (int i = 0; i < kAcceptBatch; i++) {
    const int fd = sys_->accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) PauseListener(&listener);
      return;
    }
    if (listener.connection_count >= listener.max_connections) {
      close(fd);
      counters.dropped++;
      listener.dropped_count++;
      continue;
    }
    const int id = AddConnection(fd, listener_id);
    if (id < 0) continue;
    listener.connection_count++;
    events_.Emit(kEventAccept, id, listener_id, 0);
    // Clients of RTMP speak first, and have spoken by now when there is a herd of them: one turn less to wait for.
    ReceiveOrQueue(id, false);
    if (IsLastDescriptor(fd)) return PauseListener(&listener);
  }
}

bool Shard::PeerAddress(int id, std::string* host, int* port) const {
  const Connection* c = Find(id);
  if (c == nullptr || c->fd < 0) return false;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(c->fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  FormatAddress(reinterpret_cast<sockaddr*>(&address), host, port);
  return true;
}

// False: the receive buffer has no room for another piece. `may_have_ended`: the peer's end may stand behind the bytes.
bool Shard::Receive(int id, bool may_have_ended) {
  Connection* c = Get(id);
  if (c == nullptr) return true;
  size_t budget = kReceiveChunk;
  while (budget > 0) {
    const size_t room = receive_length_ - receive_used_;
    if (room < 4096) return false;
    const size_t wanted = std::min(room, budget);
    const ssize_t got = sys_->recv(c->fd, receive_buffer_ + receive_used_, wanted, 0);
    if (got > 0) {
      events_.Emit(kEventData, id, static_cast<double>(receive_used_), static_cast<double>(got));
      if (c->read_count < UINT16_MAX) c->read_count++;
      receive_used_ += static_cast<size_t>(got);
      c->received_bytes += static_cast<double>(got);
      counters.received_bytes += static_cast<double>(got);
      budget -= static_cast<size_t>(got);
      // Less than was asked for: nothing is left, and what comes is an event of its own (epoll(7)). Spares a call for each message.
      if (static_cast<size_t>(got) < wanted && !may_have_ended) return true;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) Fail(id, errno);
      return true;
    }
    // The end of the peer's side. What it asked for before is still answered: JavaScript ends this side when it has.
    if (c->is_half_closed) {
      Close(id, 0);
    } else if (!c->is_peer_done) {
      c->is_peer_done = true;
      events_.Emit(kEventPeerEnded, id, 0, 0);
    }
    return true;
  }
  // More may wait; the others come first.
  to_read_.push_back(id);
  c->is_queued_to_read = true;
  return true;
}

void Shard::ReceiveOrQueue(int id, bool may_have_ended) {
  if (Receive(id, may_have_ended)) return;
  connections_[id].is_queued_to_read = true;
  to_read_.push_back(id);
}

bool Shard::Poll(double now_ms, bool reads_paced) {
  now_ms_ = now_ms;
  receive_used_ = 0;
  datagrams_.BeginPoll(now_ms);
  std::vector<int> again;
  again.swap(to_send_);
  for (const int id : again) {
    Connection* c = Get(id);
    if (c == nullptr) continue;
    c->is_queued_to_send = false;
    Wake(id);
  }
  // Those who had more than their share last time. Whoever finds no room now comes first in the next turn.
  again.clear();
  again.swap(to_read_);
  for (size_t i = 0; i < again.size(); i++) {
    Connection* c = Get(again[i]);
    if (c == nullptr) continue;
    c->is_queued_to_read = false;
    if (Receive(again[i], true)) continue;
    c->is_queued_to_read = true;
    to_read_.insert(to_read_.begin(), again.begin() + static_cast<std::ptrdiff_t>(i), again.end());
    break;
  }
  epoll_event ready[kReadyBatch];
  int count = epoll_wait(epoll_fd_, ready, kReadyBatch, 0);
  bool is_full = count == kReadyBatch;
  for (int i = 0; i < count; i++) {
    if (ready[i].data.u64 == kPacedSet) {
      reads_paced = true;
    } else {
      HandleReady(ready[i]);
    }
  }
  if (reads_paced && paced_count_ > 0) {
    count = epoll_wait(paced_fd_, ready, kReadyBatch, 0);
    is_full = is_full || count == kReadyBatch;
    for (int i = 0; i < count; i++) HandleReady(ready[i]);
  }
  return is_full || !to_read_.empty() || !to_send_.empty() || datagrams_.has_more();
}

void Shard::HandleReady(const epoll_event& ready) {
  const uint64_t data = ready.data.u64;
  if (data == kDoorbell) return events_.Emit(kEventDoorbell, -1, 0, 0);
  if ((data & kListenerBit) != 0 && data >> 32 == 0) {
    return Accept(static_cast<int>(data & ~static_cast<uint64_t>(kListenerBit)));
  }
  if ((data & Datagrams::kEpollBit) != 0 && data >> 32 == 0) {
    const int socket = static_cast<int>(data & ~static_cast<uint64_t>(Datagrams::kEpollBit));
    return datagrams_.Ready(socket, (ready.events & (EPOLLIN | EPOLLERR)) != 0, (ready.events & EPOLLOUT) != 0);
  }
  const int id = static_cast<int>(data & 0xffffffff);
  Connection* c = Get(id);
  if (c == nullptr || c->generation != data >> 32) return;
  if (c->is_connecting) {
    if ((ready.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0 || !Connected(id)) return;
  } else if ((ready.events & EPOLLOUT) != 0 && c->is_blocked) {
    c->is_blocked = false;
    Wake(id);
    if (Get(id) == nullptr) return;
  }
  if ((ready.events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) {
    const bool may_have_ended = (ready.events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
    if (!c->is_queued_to_read) ReceiveOrQueue(id, may_have_ended);
  }
}

void Shard::Send(int id, const uint8_t* bytes, size_t length, size_t max_queued) {
  Connection* c = Get(id);
  if (c == nullptr || c->is_ending || length == 0) return;
  if (c->queue == nullptr) c->queue = std::make_unique<ControlQueue>();
  ControlQueue& queue = *c->queue;
  // What has left goes before the queue grows: a peer that is always a little behind would make it grow for ever.
  queue.bytes.erase(queue.bytes.begin(), queue.bytes.begin() + static_cast<std::ptrdiff_t>(queue.offset));
  queue.offset = 0;
  queue.bytes.insert(queue.bytes.end(), bytes, bytes + length);
  counters.queued_bytes += static_cast<double>(length);
  if (queue.size() > max_queued + queue.rescued_bytes) {
    Wake(id);
    c = Get(id);
    if (c == nullptr || c->queue == nullptr) return;
    if (c->queue->size() > max_queued + c->queue->rescued_bytes) return Fail(id, ENOBUFS);
  }
  if (c->is_held) return;
  c->is_held = true;
  held_.push_back(id);
}

void Shard::SendHeld() {
  for (size_t i = 0; i < held_.size(); i++) {
    Connection* c = Get(held_[i]);
    if (c == nullptr || !c->is_held) continue;
    c->is_held = false;
    Wake(held_[i]);
  }
  held_.clear();
}

void Shard::DropQueue(Connection* c) {
  if (c->queue == nullptr) return;
  counters.queued_bytes -= static_cast<double>(c->queue->size());
  c->queue.reset();
}

void Shard::End(int id, double now_ms) {
  now_ms_ = now_ms;
  StopPlaying(id);
  Connection* c = Get(id);
  if (c == nullptr || c->is_ending) return;
  c->is_ending = true;
  c->linger_until_ms = now_ms + kLingerMs;
  Wake(id);
}

void Shard::AfterDrained(int id, Connection* c) {
  if (!c->is_ending || c->is_half_closed) return;
  if (c->is_peer_done) return Close(id, 0);
  c->is_half_closed = true;
  c->linger_until_ms = now_ms_ + kLingerMs;
  shutdown(c->fd, SHUT_WR);
}

void Shard::Destroy(int id) {
  Connection* c = Get(id);
  // Who sends and destroys wants it to be tried.
  if (c != nullptr && c->is_held) Wake(id);
  Close(id, 0);
}

void Shard::Fail(int id, int error) {
  counters.socket_errors++;
  Close(id, error);
}

void Shard::Close(int id, int error) {
  Connection* c = Get(id);
  if (c == nullptr) return;
  Detach(id, c);
  // Leaves the epoll set by itself, unless somebody else has the socket open, too.
  if (c->listener < 0) epoll_ctl(EpollOf(*c), EPOLL_CTL_DEL, c->fd, nullptr);
  if (c->is_paced) paced_count_--;
  close(c->fd);
  c->fd = -1;
  DropQueue(c);
  counters.open--;
  if (c->listener >= 0) listeners_[c->listener].connection_count--;
  events_.Emit(kEventClosed, id, error, 0);
}

Connection* Shard::Get(int id) {
  if (id < 0 || static_cast<size_t>(id) >= connections_.size()) return nullptr;
  Connection& c = connections_[id];
  return c.fd < 0 ? nullptr : &c;
}

const Connection* Shard::Find(int id) const {
  return id < 0 || static_cast<size_t>(id) >= connections_.size() ? nullptr : &connections_[id];
}

size_t Shard::TakeEvents(double* target, size_t capacity) {
  SendHeld();
  free_.insert(free_.end(), freed_.begin(), freed_.end());
  freed_.clear();
  const size_t count = events_.Take(target, capacity);
  for (size_t i = 0; i < count; i++) {
    if (target[i * 4] == kEventClosed) freed_.push_back(static_cast<int>(target[i * 4 + 1]));
  }
  return count;
}

void Shard::Sweep(const LagLimits& limits, double now_ms) {
  now_ms_ = now_ms;
  cursors_.limits = limits;
  for (size_t i = 0; i < connections_.size(); i++) {
    Connection& c = connections_[i];
    const int id = static_cast<int>(i);
    if (c.fd >= 0 && c.is_starved) {
      c.is_blocked = false;
      Wake(id);
    }
    if (c.fd < 0) continue;
    const int enough = c.is_paced ? kReadsToStayPaced : kReadsToPace;
    if (!c.is_connecting) SetPaced(id, c.cursor < 0 && c.read_count >= enough);
    c.read_count = 0;
    if (c.fd < 0) continue;
    if (c.is_ending && now_ms > c.linger_until_ms) {
      Close(id, 0);
    } else if (c.cursor >= 0 && c.is_blocked && cursors_.IsStalled(c.cursor, now_ms)) {
      Evict(id);
    }
  }
  datagrams_.Sweep(now_ms);
  for (size_t id = 0; id < listeners_.size(); id++) {
    Listener& listener = listeners_[id];
    if (listener.fd < 0 || !listener.is_paused) continue;
    const int lowest_free = fcntl(epoll_fd_, F_DUPFD_CLOEXEC, 0);
    if (lowest_free < 0) return;
    close(lowest_free);
    if (IsLastDescriptor(lowest_free)) return;
    listener.is_paused = WatchListener(static_cast<int>(id)) != 0;
  }
}

}  // namespace millrace
