// Opening, receiving, single sends, closing. packet_fan_out.cc sends what is played.
#include "datagrams.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shard.h"

namespace millrace {

namespace {

constexpr size_t kReceiveBatch = 32;  // what one socket may bring in one turn; each may be up to 64 packets
constexpr size_t kMaxDatagramBytes = 65536;
constexpr int kMaxReceiveTries = 4;   // errors that are not of the socket, but of a packet that it sent
// UDP_GRO says how long the packets are, SO_RXQ_OVFL how many were lost.
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t));

// The index of the interface that has this address, or 0.
unsigned InterfaceOf(const Address& address) {
  uint8_t wanted[16];
  AddressBytes(&address.any, wanted);
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return 0;
  unsigned index = 0;
  for (const ifaddrs* each = all; each != nullptr && index == 0; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6)) continue;
    uint8_t bytes[16];
    AddressBytes(each->ifa_addr, bytes);
    if (std::equal(bytes, bytes + 16, wanted)) index = if_nametoindex(each->ifa_name);
  }
  freeifaddrs(all);
  return index;
}

// 0, or an errno.
int SetMulticast(int fd, bool is_ipv6, const DatagramOptions& options) {
  if (options.multicast_ttl >= 0) {
    const int ttl = options.multicast_ttl;
    // A socket of IPv6 may send to groups of IPv4, too.
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl) != 0) return errno;
    if (is_ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof ttl) != 0) return errno;
  }
  if (options.multicast_interface.empty()) return 0;
  Address address;
  if (!ParseAddress(options.multicast_interface, 0, &address)) return EINVAL;
  ip_mreqn group{};
  group.imr_ifindex = static_cast<int>(InterfaceOf(address));
  if (group.imr_ifindex == 0) return EADDRNOTAVAIL;
  if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) != 0) return errno;
  const int index = group.imr_ifindex;
  return is_ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) != 0 ? errno : 0;
}

int TakeId(std::vector<int>* free, size_t count) {
  if (free->empty()) return static_cast<int>(count);
  const int id = free->back();
  free->pop_back();
  return id;
}

}  // namespace

Datagrams::Datagrams(const Shared& shared, uint8_t* buffer, size_t first, size_t length)
    : shared_(shared),
      buffer_(buffer),
      first_offset_(first),
      slot_count_((length - first) / kDatagramSlotBytes),
      senders_(slot_count_),
      controls_(kReceiveBatch * kControlBytes),
      receive_parts_(kReceiveBatch),
      receive_headers_(kReceiveBatch) {}

Datagrams::~Datagrams() {
  for (const Socket& socket : sockets_) {
    if (socket.fd >= 0) close(socket.fd);
  }
}

int Datagrams::Open(const DatagramOptions& options, int* bound_port) {
  Address address;
  if (!ParseAddress(options.host.empty() ? "::" : options.host, options.port, &address)) return -EINVAL;
  const int fd = ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int one = 1, zero = 0;
  if (address.is_ipv6()) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.buffer_bytes, sizeof options.buffer_bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.buffer_bytes, sizeof options.buffer_bytes);
  // An old kernel knows the first of these not: then each packet comes by itself.
  setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  int error = SetMulticast(fd, address.is_ipv6(), options);
  if (error == 0 && bind(fd, &address.any, address.length) != 0) error = errno;
  if (error == 0) {
    Address bound;
    getsockname(fd, &bound.any, &bound.length);
    *bound_port = PortOf(&bound.any);
  }
  const int id = TakeId(&free_sockets_, sockets_.size());
  if (static_cast<size_t>(id) == sockets_.size()) sockets_.emplace_back();
  Socket& socket = sockets_[static_cast<size_t>(id)];
  socket = Socket();
  socket.fd = fd;
  socket.is_ipv6 = address.is_ipv6();
  if (error == 0 && !Watch(id, false, true)) error = errno;
  if (error == 0) return id;
  close(fd);
  socket.fd = -1;
  free_sockets_.push_back(id);
  return -error;
}

// Writing only while somebody waits for it: each packet that has left is an edge.
bool Datagrams::Watch(int id, bool for_writing, bool is_new) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET | (for_writing ? EPOLLOUT : 0u);
  event.data.u64 = static_cast<uint64_t>(kEpollBit | id);
  const int operation = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return epoll_ctl(shared_.epoll_fd, operation, sockets_[static_cast<size_t>(id)].fd, &event) == 0;
}

void Datagrams::Close(int id) {
  Socket* socket = GetSocket(id);
  if (socket == nullptr) return;
  close(socket->fd);  // leaves the epoll set by itself
  socket->fd = -1;
  freed_sockets_.push_back(id);
}

int Datagrams::OpenPeer(int socket_id, const std::string& host, int port, size_t max_peers) {
  Socket* socket = GetSocket(socket_id);
  if (socket == nullptr) return -EBADF;
  if (socket->peer_count >= max_peers) return -ENOSPC;
  Address address;
  if (!ParseAddress(host, port, &address)) return -EINVAL;
  if (!ConvertAddress(&address, socket->is_ipv6)) return -EAFNOSUPPORT;
  const PeerKey key = PeerKey::Of(socket_id, &address.any);
  if (table_.Find(key) >= 0) return -EEXIST;
  const int id = TakeId(&free_peers_, peers_.size());
  if (static_cast<size_t>(id) == peers_.size()) peers_.emplace_back();
  Peer& peer = peers_[static_cast<size_t>(id)];
  peer = Peer();
  peer.socket = socket_id;
  peer.address = address;
  socket->peer_count++;
  table_.Insert(key, id);
  return id;
}

void Datagrams::ClosePeer(int id) {
  Peer* peer = GetPeer(id);
  if (peer == nullptr) return;
  table_.Erase(PeerKey::Of(peer->socket, &peer->address.any));
  sockets_[static_cast<size_t>(peer->socket)].peer_count--;
  peer->socket = -1;
  freed_peers_.push_back(id);
}

void Datagrams::Send(int id, const uint8_t* bytes, size_t length) {
  Peer* found = GetPeer(id);
  Socket* open = found == nullptr ? nullptr : GetSocket(found->socket);
  if (open == nullptr) return;
  Peer& peer = *found;
  Socket& socket = *open;
  iovec part = {const_cast<uint8_t*>(bytes), length};
  msghdr message{};
  message.msg_name = &peer.address.any;
  message.msg_namelen = peer.address.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t sent;
  do {
    sent = shared_.sys->sendmsg(socket.fd, &message, 0);
    shared_.counters->sends++;
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    socket.counters.dropped_packets++;
    return;
  }
  socket.counters.sent_packets++;
  socket.counters.sent_bytes += static_cast<double>(length);
  peer.sent_bytes += static_cast<double>(length);
  shared_.counters->sent_bytes += static_cast<double>(length);
}

void Datagrams::SenderOf(size_t offset, std::string* host, int* port) const {
  const size_t slot = (offset - first_offset_) / kDatagramSlotBytes;
  if (slot < slot_count_) FormatAddress(reinterpret_cast<const sockaddr*>(&senders_[slot]), host, port);
}

DatagramCounters Datagrams::CountersOf(int id) const {
  return id < 0 || static_cast<size_t>(id) >= sockets_.size() ? DatagramCounters() : sockets_[static_cast<size_t>(id)].counters;
}

void Datagrams::BufferBytes(int socket, int* receive_bytes, int* send_bytes) const {
  const int fd = sockets_[static_cast<size_t>(socket)].fd;
  socklen_t length = sizeof *receive_bytes;
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes, &length);
  getsockopt(fd, SOL_SOCKET, SO_SNDBUF, send_bytes, &length);
}

void Datagrams::PeerBytes(int id, double* received, double* sent) const {
  if (id < 0 || static_cast<size_t>(id) >= peers_.size()) return;
  *received = peers_[static_cast<size_t>(id)].received_bytes;
  *sent = peers_[static_cast<size_t>(id)].sent_bytes;
}

Datagrams::Socket* Datagrams::GetSocket(int id) {
  if (id < 0 || static_cast<size_t>(id) >= sockets_.size() || sockets_[static_cast<size_t>(id)].fd < 0) return nullptr;
  return &sockets_[static_cast<size_t>(id)];
}

Datagrams::Peer* Datagrams::GetPeer(int id) {
  if (id < 0 || static_cast<size_t>(id) >= peers_.size() || peers_[static_cast<size_t>(id)].socket < 0) return nullptr;
  return &peers_[static_cast<size_t>(id)];
}

Datagrams::Player* Datagrams::GetPlayer(int id) {
  if (id < 0 || static_cast<size_t>(id) >= players_.size() || players_[static_cast<size_t>(id)].log < 0) return nullptr;
  return &players_[static_cast<size_t>(id)];
}

void Datagrams::BeginPoll(double now_ms) {
  now_ms_ = now_ms;
  slots_used_ = 0;
  // Nothing is left to be told of them.
  if (shared_.events->is_empty()) {
    free_sockets_.insert(free_sockets_.end(), freed_sockets_.begin(), freed_sockets_.end());
    free_peers_.insert(free_peers_.end(), freed_peers_.begin(), freed_peers_.end());
    freed_sockets_.clear();
    freed_peers_.clear();
  }
  std::vector<int> again;
  again.swap(to_receive_);
  for (const int id : again) {
    sockets_[static_cast<size_t>(id)].is_queued_to_receive = false;
    Ready(id, true, false);
  }
}

void Datagrams::Ready(int id, bool is_readable, bool is_writable) {
  Socket& socket = sockets_[static_cast<size_t>(id)];
  if (socket.fd < 0) return;
  if (is_writable && socket.is_blocked) Wake(id);
  if (!is_readable || socket.is_queued_to_receive || Receive(id)) return;
  // More may wait; the others come first.
  socket.is_queued_to_receive = true;
  to_receive_.push_back(id);
}

// False: there may be more.
bool Datagrams::Receive(int id) {
  const Socket& socket = sockets_[static_cast<size_t>(id)];
  const size_t slots = std::min(kReceiveBatch, slot_count_ - slots_used_);
  if (slots == 0) return false;
  for (size_t i = 0; i < slots; i++) {
    const size_t slot = slots_used_ + i;
    receive_parts_[i] = {buffer_ + OffsetOf(slot), kMaxDatagramBytes};
    msghdr& header = receive_headers_[i].msg_hdr;
    header = msghdr();
    header.msg_name = &senders_[slot];
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_iov = &receive_parts_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_.data() + i * kControlBytes;
    header.msg_controllen = kControlBytes;
  }
  for (int tries = 0; tries < kMaxReceiveTries; tries++) {
    const int got = shared_.sys->recvmmsg(socket.fd, receive_headers_.data(), static_cast<unsigned>(slots), 0, nullptr);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got < 0) continue;
    const size_t first = slots_used_;
    slots_used_ += static_cast<size_t>(got);
    for (size_t i = 0; i < static_cast<size_t>(got); i++) Deliver(id, first + i, receive_headers_[i]);
    // Fewer than asked for: nothing is left, and what comes is an event of its own.
    return static_cast<size_t>(got) < slots;
  }
  return false;
}

void Datagrams::Deliver(int id, size_t slot, const mmsghdr& message) {
  Socket& socket = sockets_[static_cast<size_t>(id)];
  const size_t length = message.msg_len;
  size_t segment = length;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message.msg_hdr); control != nullptr;
       control = CMSG_NXTHDR(const_cast<msghdr*>(&message.msg_hdr), control)) {
    if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      int bytes = 0;
      std::memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
      if (bytes > 0) segment = static_cast<size_t>(bytes);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
      uint32_t count = 0;
      std::memcpy(&count, CMSG_DATA(control), sizeof count);
      socket.counters.overflowed_packets += count - socket.overflow_count;
      socket.overflow_count = count;
    }
  }
  const int peer = table_.Find(PeerKey::Of(id, reinterpret_cast<const sockaddr*>(&senders_[slot])));
  size_t at = 0;
  do {
    const size_t piece = std::min(segment, length - at);
    Told(id, OffsetOf(slot) + at, piece, peer);
    at += piece;
  } while (at < length);
}

void Datagrams::Told(int id, size_t offset, size_t length, int peer) {
  DatagramCounters& counters = sockets_[static_cast<size_t>(id)].counters;
  const auto bytes = static_cast<double>(length);
  counters.received_packets++;
  counters.received_bytes += bytes;
  shared_.counters->received_bytes += bytes;
  if (peer >= 0) {
    peers_[static_cast<size_t>(peer)].received_bytes += bytes;
    shared_.events->Emit(kEventDatagram, peer, static_cast<double>(offset), bytes);
  } else {
    counters.stranger_packets++;
    shared_.events->Emit(kEventStranger, id, static_cast<double>(offset), bytes);
  }
}

}  // namespace millrace
