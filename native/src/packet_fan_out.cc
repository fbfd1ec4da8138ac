// The loop over cursors that send packets.
#include <algorithm>
#include <cerrno>

#include "shard.h"

namespace millrace {

namespace {

constexpr size_t kMaxBatch = 256;  // messages: enough for what a system call costs to be lost among what they cost
constexpr size_t kCopyFromPlayers = 8;  // a copy costs each of them less then than it spares

// A message to be cut that the kernel, the card or the way to the peer does not take.
bool IsRefusal(int error) { return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP; }

}  // namespace

int Datagrams::Play(int log, int cursor, const int32_t* routes, size_t count, double now_ms) {
  int id;
  if (free_players_.empty()) {
    id = static_cast<int>(players_.size());
    players_.emplace_back();
  } else {
    id = free_players_.back();
    free_players_.pop_back();
  }
  Player& player = At(id);
  player = Player();
  player.log = log;
  player.cursor = cursor;
  player.routes.assign(routes, routes + count);
  LogSlot& slot = SlotOf(log);
  player.log_slot = static_cast<uint32_t>(slot.players.size());
  slot.players.push_back(id);
  shared_.cursors->MarkProgress(cursor, now_ms);
  return id;
}

void Datagrams::StartPlaying(int id, double now_ms) {
  now_ms_ = now_ms;
  plan_.Forget();
  const Player* player = GetPlayer(id);
  if (player == nullptr) return;
  SlotOf(player->log).log.Refresh();
  Begin(id);
  Run();
}

void Datagrams::StopPlaying(int id) {
  if (GetPlayer(id) != nullptr) Detach(id);
}

void Datagrams::Pause(int id, bool is_paused, double now_ms) {
  Player* player = GetPlayer(id);
  if (player == nullptr || player->is_paused == is_paused) return;
  player->is_paused = is_paused;
  if (is_paused) return;
  SlotOf(player->log).log.Refresh();
  Place(id);
  StartPlaying(id, now_ms);
}

void Datagrams::Finish(int id, double now_ms) {
  Player* player = GetPlayer(id);
  if (player == nullptr) return;
  player->is_finishing = true;
  player->is_paused = false;
  StartPlaying(id, now_ms);
}

size_t Datagrams::Flush(int log, double now_ms, bool is_new_round, size_t most) {
  now_ms_ = now_ms;
  plan_.Forget();
  LogSlot& slot = SlotOf(log);
  // Backwards, as with connections: one that is over takes itself out.
  slot.unflushed_players = is_new_round ? slot.players.size() : std::min(slot.unflushed_players, slot.players.size());
  for (; slot.unflushed_players > 0 && most > 0; most--) Begin(slot.players[--slot.unflushed_players]);
  Run();
  slot.unflushed_players = std::min(slot.unflushed_players, slot.players.size());
  return slot.unflushed_players;
}

void Datagrams::Continue(double now_ms) {
  now_ms_ = now_ms;
  plan_.Forget();
  std::vector<int> again;
  again.swap(spreading_);
  for (const int id : again) {
    Player& player = At(id);
    if (player.log < 0 || !player.is_spreading) continue;
    player.is_spreading = false;
    SlotOf(player.log).log.Refresh();
    Begin(id);
  }
  Run();
}

void Datagrams::StartOver(int log) {
  for (const int id : SlotOf(log).players) Place(id);
}

void Datagrams::Sweep(double now_ms) {
  now_ms_ = now_ms;
  for (size_t i = 0; i < players_.size(); i++) {
    const Player& player = players_[i];
    if (player.log >= 0 && player.is_blocked && shared_.cursors->IsStalled(player.cursor, now_ms)) Evict(static_cast<int>(i));
  }
}

void Datagrams::Begin(int id) {
  At(id).turn_bytes = 0;
  Turn(id);
}

void Datagrams::Turn(int id) {
  Player& player = At(id);
  if (player.log < 0 || player.is_paused || player.is_blocked || player.is_spreading) return;
  Log& log = SlotOf(player.log).log;
  for (;;) {
    double skipped = 0;
    const auto step = shared_.cursors->Step(player.cursor, log, now_ms_, &skipped);
    if (step == Cursors::kEvicted) return Evict(id);
    if (step == Cursors::kJumped) {
      player.entry_offset = 0;
      shared_.counters->jumps++;
      shared_.events->Emit(kEventLag, -1, player.cursor, skipped);
      continue;
    }
    if (step == Cursors::kIdle) {
      player.is_cut = false;
      if (player.is_finishing) Played(id);
      return;
    }
    const int64_t entry = shared_.cursors->EntryOf(player.cursor);
    const bool is_starting = shared_.cursors->IsStarting(player.cursor);
    const bool is_known = plan_.IsOf(player.log, entry, player.entry_offset, is_starting);
    if (!is_known || batch_.size() >= kMaxBatch) SendBatch();  // of the plan before
    if (!plan_.IsOf(player.log, entry, player.entry_offset, is_starting)) {
      plan_.Cut(log, player.log, entry, player.entry_offset, is_starting);
      if (SlotOf(player.log).players.size() >= kCopyFromPlayers) plan_.Copy();
      if (!plan_.IsIntact(log)) {
        // The writer was faster: the next step finds the cursor lapped.
        plan_.Forget();
        log.Refresh();
        continue;
      }
    }
    return Queue(id);
  }
}

// As much of the plan as goes through one socket: a turn that needs another one goes on after this has left, in order.
void Datagrams::Queue(int id) {
  Player& player = At(id);
  const Log& log = SlotOf(player.log).log;
  bool is_queued = false;
  const auto& messages = plan_.messages();
  for (size_t i = 0; i < messages.size(); i++) {
    const PacketPlan::Message& message = messages[i];
    const PacketPlan::Packet& last = plan_.packet(message.first_packet + message.packet_count - 1);
    const int peer_id = message.channel < player.routes.size() ? player.routes[message.channel] : -1;
    const int socket = peer_id < 0 ? -1 : peers_[static_cast<size_t>(peer_id)].socket;
    if (socket < 0) {
      // For nobody: done with what was queued before it, or at once.
      if (is_queued) {
        batch_.back().end_entry = last.end_entry;
        batch_.back().end_offset = last.end_offset;
      } else {
        player.entry_offset = last.end_offset;
        shared_.cursors->MoveTo(player.cursor, log, last.end_entry, last.end_offset);
      }
      continue;
    }
    if (socket != batch_socket_) {
      if (is_queued) {
        player.is_cut = true;
        return;
      }
      SendBatch();
      batch_socket_ = socket;
      if (plan_.log() < 0) return cut_.push_back(id);  // the writer was faster
    }
    if (sockets_[static_cast<size_t>(socket)].is_blocked) return Wait(id, socket);
    player.turn_bytes += message.byte_count;
    QueueMessage(id, peer_id, i);
    is_queued = true;
  }
  if (is_queued) return;
  if (messages.empty()) {
    player.entry_offset = plan_.end_offset();
    shared_.cursors->MoveTo(player.cursor, log, plan_.end_entry(), plan_.end_offset());
  }
  Settle(id);
}

void Datagrams::QueueMessage(int id, int peer, size_t index) {
  const PacketPlan::Message& message = plan_.messages()[index];
  if (message.packet_count > 1 && !peers_[static_cast<size_t>(peer)].is_plain) {
    const PacketPlan::Packet& last = plan_.packet(message.first_packet + message.packet_count - 1);
    Push({id, peer, message.packet_count, message.byte_count, last.end_offset, last.end_entry, false},
         plan_.part(message.first_part), message.part_count, &plan_.segmentation(index));
    return;
  }
  for (uint32_t i = 0; i < message.packet_count; i++) {
    const PacketPlan::Packet& packet = plan_.packet(message.first_packet + i);
    Push({id, peer, 1, packet.length, packet.end_offset, packet.end_entry, false}, plan_.part(packet.first_part),
         packet.part_count, nullptr);
  }
}

void Datagrams::Push(const Sending& sending, const iovec* parts, size_t part_count,
                     const PacketPlan::Segmentation* segmentation) {
  Peer& peer = peers_[static_cast<size_t>(sending.peer)];
  mmsghdr header{};
  header.msg_hdr.msg_name = &peer.address.any;
  header.msg_hdr.msg_namelen = peer.address.length;
  header.msg_hdr.msg_iov = const_cast<iovec*>(parts);
  header.msg_hdr.msg_iovlen = part_count;
  if (segmentation != nullptr) {
    header.msg_hdr.msg_control = const_cast<uint8_t*>(segmentation->bytes);
    header.msg_hdr.msg_controllen = sizeof segmentation->bytes;
  }
  batch_.push_back(sending);
  headers_.push_back(header);
}

void Datagrams::SendBatch() {
  if (batch_.empty()) return;
  Socket& socket = sockets_[static_cast<size_t>(batch_socket_)];
  const size_t done = SendMessages(&socket);
  const Log& log = SlotOf(plan_.log()).log;
  // Before anybody advances by it: where the records end was read from the log, too.
  const bool is_intact = plan_.IsIntact(log);
  for (size_t first = 0; first < batch_.size();) {
    const int id = batch_[first].player;
    Player& player = At(id);
    const size_t end = Advance(first, is_intact);
    if (!is_intact) {
      player.is_cut = false;
      cut_.push_back(id);
    } else if (end > done) {
      player.is_cut = false;
      Wait(id, batch_socket_);
    } else {
      Settle(id);
    }
    first = end;
  }
  batch_.clear();
  headers_.clear();
  if (!is_intact) plan_.Forget();
}

size_t Datagrams::SendMessages(Socket* socket) {
  size_t done = 0;
  while (done < batch_.size()) {
    const auto count = static_cast<unsigned>(batch_.size() - done);
    const int sent = shared_.sys->sendmmsg(socket->fd, headers_.data() + done, count, 0);
    shared_.counters->sends++;
    for (int i = 0; i < sent; i++, done++) {
      const Sending& sending = batch_[done];
      const auto bytes = static_cast<double>(sending.byte_count);
      socket->counters.sent_packets += sending.packet_count;
      socket->counters.sent_bytes += bytes;
      shared_.counters->sent_bytes += bytes;
      peers_[static_cast<size_t>(sending.peer)].sent_bytes += bytes;
      shared_.cursors->columns.sent_bytes[At(sending.player).cursor] += bytes;
    }
    if (sent > 0 || errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (batch_[done].packet_count > 1 && IsRefusal(errno)) {
      // Its turn goes on without, after this batch.
      Refused(done, errno);
      for (const int id = batch_[done].player; done < batch_.size() && batch_[done].player == id; done++) batch_[done].is_left = true;
      continue;
    }
    socket->counters.dropped_packets += batch_[done++].packet_count;
  }
  for (size_t i = done; i < batch_.size(); i++) batch_[i].is_left = true;
  return done;
}

// Only for this peer: it may be the way to it that is too narrow, and a kernel that can't do it at all costs each peer one call.
void Datagrams::Refused(size_t index, int error) {
  const Sending& sending = batch_[index];
  DatagramCounters& counters = sockets_[static_cast<size_t>(batch_socket_)].counters;
  if (counters.refused_segmentations++ == 0) shared_.events->Emit(kEventSegmentationRefused, batch_socket_, error, 0);
  peers_[static_cast<size_t>(sending.peer)].is_plain = true;
  At(sending.player).is_cut = true;
}

// The player of batch_[first], by what of it has left. Returns where the next player's begins.
size_t Datagrams::Advance(size_t first, bool is_intact) {
  Player& player = At(batch_[first].player);
  const Log& log = SlotOf(player.log).log;
  const Sending* last = nullptr;
  size_t end = first;
  for (; end < batch_.size() && batch_[end].player == batch_[first].player; end++) {
    if (!batch_[end].is_left) last = &batch_[end];
  }
  if (last == nullptr || !is_intact) return end;
  player.entry_offset = last->end_offset;
  shared_.cursors->MoveTo(player.cursor, log, last->end_entry, last->end_offset);
  shared_.cursors->MarkProgress(player.cursor, now_ms_);
  return end;
}

void Datagrams::Settle(int id) {
  Player& player = At(id);
  const bool is_cut = player.is_cut;
  player.is_cut = false;
  if (is_cut && player.turn_bytes < kPacketTurnBytes) {
    cut_.push_back(id);
  } else if (shared_.cursors->EntryOf(player.cursor) < SlotOf(player.log).log.entry_tail()) {
    Spread(id);
  } else if (player.is_finishing) {
    Played(id);
  }
}

void Datagrams::Played(int id) {
  shared_.events->Emit(kEventFinished, -1, At(id).cursor, 0);
  Detach(id);
}

void Datagrams::Run() {
  SendBatch();
  while (!cut_.empty()) {
    std::vector<int> again;
    again.swap(cut_);
    for (const int id : again) {
      if (At(id).log < 0) continue;
      SlotOf(At(id).log).log.Refresh();
      Turn(id);
    }
    SendBatch();
  }
}

void Datagrams::Wait(int id, int socket_id) {
  Socket& socket = sockets_[static_cast<size_t>(socket_id)];
  Player& player = At(id);
  player.is_blocked = true;
  shared_.cursors->MarkProgress(player.cursor, now_ms_);
  socket.waiting.push_back(id);
  if (socket.is_blocked) return;
  socket.is_blocked = true;
  Watch(socket_id, true, false);
}

// In the order in which they began to wait; who finds no room again waits behind those who had none yet.
void Datagrams::Wake(int socket_id) {
  Socket& socket = sockets_[static_cast<size_t>(socket_id)];
  socket.is_blocked = false;
  Watch(socket_id, false, false);
  plan_.Forget();
  std::vector<int> again;
  again.swap(socket.waiting);
  for (const int id : again) {
    Player& player = At(id);
    if (player.log < 0 || !player.is_blocked) continue;
    player.is_blocked = false;
    SlotOf(player.log).log.Refresh();
    Begin(id);
  }
  Run();
}

void Datagrams::Spread(int id) {
  Player& player = At(id);
  if (player.is_spreading) return;
  player.is_spreading = true;
  if (spreading_.empty()) shared_.events->Emit(kEventSpread, -1, 0, 0);
  spreading_.push_back(id);
}

void Datagrams::Place(int id) {
  Player& player = At(id);
  const Log& log = SlotOf(player.log).log;
  player.entry_offset = 0;
  shared_.cursors->Place(player.cursor, log, log.RandomAccessEntry());
}

void Datagrams::Evict(int id) {
  shared_.counters->evicted++;
  shared_.events->Emit(kEventEvicted, -1, At(id).cursor, 0);
  Detach(id);
}

void Datagrams::Detach(int id) {
  Player& player = At(id);
  LogSlot& slot = SlotOf(player.log);
  const int last = slot.players.back();
  slot.players[player.log_slot] = last;
  At(last).log_slot = player.log_slot;
  slot.players.pop_back();
  shared_.events->Emit(kEventCursorFree, -1, player.cursor, 0);
  player = Player();
  free_players_.push_back(id);
}

}  // namespace millrace
