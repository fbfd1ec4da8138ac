// UDP: sockets that many peers share, and the loop over cursors that send the packets of a log.
//
// A player's turn is a plan (packet_plan.h) that it shares with all who stand at the same record, so what is done for each is to
// name its peer. Messages of many players leave in one sendmmsg; a cursor advances when its messages have left.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "addresses.h"
#include "cursors.h"
#include "events.h"
#include "packet_plan.h"
#include "peer_table.h"
#include "syscalls.h"

namespace millrace {

struct Counters;

struct DatagramCounters {
  double received_packets = 0, received_bytes = 0, stranger_packets = 0, sent_packets = 0, sent_bytes = 0, dropped_packets = 0,
         overflowed_packets = 0, refused_segmentations = 0;
};

struct DatagramOptions {
  std::string host;                 // empty: all addresses
  int port = 0;
  int buffer_bytes = 0;             // wanted in both directions
  int multicast_ttl = -1;           // -1: the system's
  std::string multicast_interface;  // empty: the system chooses
};

class Datagrams {
 public:
  static constexpr int kEpollBit = 1 << 29;  // in the data of its sockets' events, with the socket's id and nothing else

  // What it shares with the connections of the same thread.
  struct Shared {
    const Syscalls* sys;
    int epoll_fd;
    std::deque<LogSlot>* logs;
    Cursors* cursors;
    Events* events;
    Counters* counters;
  };

  // A datagram, or several that the kernel put together, goes into a slot of buffer[first, length).
  Datagrams(const Shared& shared, uint8_t* buffer, size_t first, size_t length);
  ~Datagrams();
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  // Sockets and peers. Negative results are -errno.
  int Open(const DatagramOptions& options, int* bound_port);
  void Close(int socket);
  int OpenPeer(int socket, const std::string& host, int port, size_t max_peers);
  // Whoever sent to it has been stopped before.
  void ClosePeer(int peer);
  // Sends at once, or drops and counts it.
  void Send(int peer, const uint8_t* bytes, size_t length);
  // Of the datagram at this offset of the buffer that is shared with connections.
  void SenderOf(size_t offset, std::string* host, int* port) const;
  DatagramCounters CountersOf(int socket) const;
  // What the system granted for buffers.
  void BufferBytes(int socket, int* receive_bytes, int* send_bytes) const;
  void PeerBytes(int peer, double* received, double* sent) const;

  // Plays. `routes`: for each channel a peer, or -1. Returns the player's id.
  int Play(int log, int cursor, const int32_t* routes, size_t count, double now_ms);
  void StartPlaying(int player, double now_ms);
  void StopPlaying(int player);
  void Pause(int player, bool is_paused, double now_ms);
  void Finish(int player, double now_ms);
  // Gives `most` of the log's players a turn; returns how many of the round are left. The log was refreshed.
  size_t Flush(int log, double now_ms, bool is_new_round, size_t most);
  // The next turn of those who had more than one turn's worth.
  void Continue(double now_ms);
  // The log has grown, or gone.
  void Forget() { plan_.Forget(); }
  // Another log has taken its place.
  void StartOver(int log);
  void Sweep(double now_ms);

  // A turn of the event loop: first those that had more than their share in the one before.
  void BeginPoll(double now_ms);
  void Ready(int socket, bool is_readable, bool is_writable);
  bool has_more() const { return !to_receive_.empty(); }

 private:
  struct Socket {
    int fd = -1;
    bool is_ipv6 = false;
    bool is_blocked = false;            // takes nothing now; EPOLLOUT will say when it does
    bool is_queued_to_receive = false;
    size_t peer_count = 0;
    uint32_t overflow_count = 0;        // as the kernel counts, modulo 2^32
    DatagramCounters counters;
    std::vector<int> waiting;           // players, in the order in which they came
  };
  struct Peer {
    int socket = -1;                    // -1: closed
    bool is_plain = false;              // the kernel refused to cut packets for it
    Address address;
    double received_bytes = 0;
    double sent_bytes = 0;
  };
  static_assert(sizeof(Peer) <= 64, "one line of a cache: each message looks at one");
  struct Player {
    int log = -1;                       // -1: not in use
    int cursor = -1;
    uint32_t log_slot = 0;              // where the log's list of players has it
    uint32_t entry_offset = 0;          // bytes of the cursor's entry that have left: whole records
    uint32_t turn_bytes = 0;
    bool is_paused = false;
    bool is_finishing = false;          // the log has ended: say so when all has left
    bool is_blocked = false;            // waits for a socket
    bool is_spreading = false;          // waits for its next turn
    bool is_cut = false;                // its turn goes on at once, after what was sent before
    std::vector<int32_t> routes;
  };
  // A message on its way to the kernel.
  struct Sending {
    int player;
    int peer;
    uint32_t packet_count;
    uint32_t byte_count;
    uint32_t end_offset;
    int64_t end_entry;
    bool is_left;                       // it did not leave
  };

  // Null: not open. By ids that JavaScript gives; those of our own lists are known to be good.
  Socket* GetSocket(int id);
  Peer* GetPeer(int id);
  Player* GetPlayer(int id);

  // datagrams.cc
  bool Watch(int socket, bool for_writing, bool is_new);
  bool Receive(int socket);
  size_t OffsetOf(size_t slot) const { return first_offset_ + slot * kDatagramSlotBytes; }
  void Deliver(int socket, size_t slot, const mmsghdr& message);
  void Told(int socket, size_t offset, size_t length, int peer);

  // packet_fan_out.cc
  LogSlot& SlotOf(int log) { return (*shared_.logs)[static_cast<size_t>(log)]; }
  Player& At(int player) { return players_[static_cast<size_t>(player)]; }
  void Begin(int player);
  void Turn(int player);
  void Queue(int player);
  void QueueMessage(int player, int peer, size_t message);
  void QueuePacket(int player, int peer, const PacketPlan::Packet& packet);
  void Push(const Sending& sending, const iovec* parts, size_t part_count, const PacketPlan::Segmentation* segmentation);
  // Sends what was queued, all of one plan through one socket.
  void SendBatch();
  // Returns how many have had their turn; those behind found no room.
  size_t SendMessages(Socket* socket);
  void Refused(size_t index, int error);
  size_t Advance(size_t first, bool is_intact);
  // What follows from a turn that is over.
  void Settle(int player);
  void Played(int player);
  // Until nobody's turn goes on.
  void Run();
  void Wait(int player, int socket);
  void Wake(int socket);
  void Spread(int player);
  void Place(int player);
  void Evict(int player);
  void Detach(int player);

  Shared shared_;
  double now_ms_ = 0;
  std::deque<Socket> sockets_;
  std::deque<Peer> peers_;
  std::deque<Player> players_;
  PeerTable table_;
  std::vector<int> free_sockets_, free_peers_, free_players_;
  // Closed; JavaScript may still be told of what came to them before.
  std::vector<int> freed_sockets_, freed_peers_;

  uint8_t* buffer_;
  size_t first_offset_;
  size_t slot_count_;
  size_t slots_used_ = 0;
  std::vector<int> to_receive_;
  std::vector<sockaddr_storage> senders_;
  std::vector<uint8_t> controls_;
  std::vector<iovec> receive_parts_;
  std::vector<mmsghdr> receive_headers_;

  PacketPlan plan_;
  int batch_socket_ = -1;
  std::vector<Sending> batch_;
  std::vector<mmsghdr> headers_;
  std::vector<int> cut_;
  std::vector<int> spreading_;
};

}  // namespace millrace
