// One shard's sockets and cursors: everything native that belongs to one thread. Knows bytes, cursors and errors, no protocol.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cursors.h"
#include "datagrams.h"
#include "events.h"
#include "log.h"
#include "syscalls.h"

namespace millrace {

// Control bytes that wait.
struct ControlQueue {
  std::vector<uint8_t> bytes;
  size_t offset = 0;             // what has left
  size_t rescued_bytes = 0;      // what came from the log

  const uint8_t* data() const { return bytes.data() + offset; }
  size_t size() const { return bytes.size() - offset; }
};

// Tens of thousands of them: what few need is behind a pointer.
struct Connection {
  int fd = -1;
  uint32_t generation = 0;
  int32_t listener = -1;         // -1: it was taken over
  int32_t log = -1;
  int32_t cursor = -1;
  uint32_t log_slot = 0;         // where the log's list of connections has it
  uint32_t entry_offset = 0;     // bytes of the cursor's entry that have left
  bool is_connecting : 1;        // and blocked, until the peer has answered
  bool is_blocked : 1;           // the socket takes nothing now; EPOLLOUT will say when it does
  bool is_starved : 1;           // blocked because the kernel was short of memory: no EPOLLOUT follows, the sweep tries again
  bool is_queued_to_read : 1;
  bool is_queued_to_send : 1;
  bool is_held : 1;              // what it has to send leaves when the turn is over
  bool is_paused : 1;
  bool is_finishing : 1;         // the log has ended: say so when all has left
  bool is_ending : 1;            // close when all has left
  bool is_half_closed : 1;       // our side is shut down; waiting for the peer's
  bool is_peer_done : 1;         // the peer's side is shut down; what waits is still sent
  bool is_paced : 1;             // in the paced set
  uint16_t read_count = 0;       // since the last sweep
  double linger_until_ms = 0;
  double received_bytes = 0;
  double sent_bytes = 0;
  std::unique_ptr<ControlQueue> queue;  // null: nothing waits

  // C++17 has no initializers for bit fields.
  Connection()
      : is_connecting(false), is_blocked(false), is_starved(false), is_queued_to_read(false), is_queued_to_send(false),
        is_held(false), is_paused(false), is_finishing(false), is_ending(false), is_half_closed(false), is_peer_done(false),
        is_paced(false) {}
};
static_assert(sizeof(Connection) == 64, "eight of them in a piece of a deque");

struct Counters {
  double accepted = 0, open = 0, received_bytes = 0, sent_bytes = 0, jumps = 0, evicted = 0, socket_errors = 0, dropped = 0,
         sends = 0, accept_pauses = 0;
  double queued_bytes = 0;       // of all send queues, now
};

class Shard {
 public:
  // Bytes of connections are received into the first part of the buffer, datagrams into the rest.
  Shard(const Syscalls* syscalls, uint8_t* receive_buffer, size_t stream_length, size_t length);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  int epoll_fd() const { return epoll_fd_; }
  // Other threads write to it to wake this one; -1 when there was no descriptor left for it.
  int doorbell_fd() const { return doorbell_fd_; }
  void SetCursors(const CursorColumns& columns) { cursors_.columns = columns; }
  void SetDescriptorLimit(int limit) { descriptor_limit_ = limit; }

  // Sockets. Negative results are -errno.
  int Listen(const std::string& host, int port, int backlog, bool reuse_port, int max_connections, int* bound_port);
  void CloseListener(int listener);
  double DroppedCount(int listener) const { return listeners_[listener].dropped_count; }
  // Takes over a duplicate of a connected descriptor; returns the connection's id.
  int Adopt(int fd);
  // The same with a descriptor that was duplicated already, by the thread that gave it away.
  int Take(int fd);
  // Begins to connect to a numeric address, from `local_host` when it is not empty; returns the connection's id. It may be sent
  // bytes at once, which wait. One that could not even be begun is told of as one that failed.
  int Connect(const std::string& host, int port, const std::string& local_host);
  bool PeerAddress(int id, std::string* host, int* port) const;
  // Queues control bytes; they leave with what is sent in the same turn, at the latest when events are taken. When more than
  // `max_queued` wait, it is closed.
  void Send(int id, const uint8_t* bytes, size_t length, size_t max_queued);
  void End(int id, double now_ms);
  void Destroy(int id);

  // Logs and cursors.
  int OpenLog(uint8_t* base, uint64_t capacity, uint64_t entry_capacity);
  void AttachLog(int log, uint8_t* base, uint64_t capacity, uint64_t entry_capacity);
  // Another log has taken its place: whoever plays it starts over at the newest random access point.
  void ReplaceLog(int log, uint8_t* base, uint64_t capacity, uint64_t entry_capacity, double now_ms);
  void CloseLog(int log);
  size_t CursorCount(int log) const { return logs_[log].connections.size() + logs_[log].players.size(); }
  // The cursor's place was decided by whoever opened it.
  void Play(int id, int log, int cursor, double now_ms);
  // A player that joined does not wait for the flush of the others.
  void StartPlaying(int id, double now_ms);
  void StopPlaying(int id);
  void Pause(int id, bool is_paused, double now_ms);
  void Finish(int id, double now_ms);
  // Sends to `most` of the log's cursors what is there for them; returns how many of the round are left. A new round is for all.
  size_t Flush(int log, const LagLimits& limits, double now_ms, bool is_new_round, size_t most);
  // About once a second: stalled cursors, lingering sockets, paused listeners; who is paced.
  void Sweep(const LagLimits& limits, double now_ms);

  // Connections that bring much are in a set of their own, which waits while others don't: so one turn takes what has come from
  // many of them, and one recv what would have been several. True: there are such connections, and they wait.
  bool PausePaced(bool is_paused);
  // Takes what epoll has, until the events or the receive buffer are full; of paced connections that wait, if `reads_paced`.
  // True: there is more, call again.
  bool Poll(double now_ms, bool reads_paced = false);
  // Moves events out, `capacity` at the most.
  size_t TakeEvents(double* target, size_t capacity);

  // Also of one that was closed, until JavaScript has been told. Null: there never was one.
  const Connection* Find(int id) const;
  // What the records of connections take, those that wait to be used again included.
  double ConnectionTableBytes() const { return static_cast<double>(connections_.size() * sizeof(Connection)); }
  Counters counters;

  Datagrams& datagrams() { return datagrams_; }

 private:
  struct Listener {
    int fd = -1;
    int max_connections = 0;
    int connection_count = 0;
    double dropped_count = 0;
    bool is_paused = false;
  };

  // Null: not open.
  Connection* Get(int id);
  int TakeId(int fd, int listener);
  int Watch(int id);
  int AddConnection(int fd, int listener);
  // A descriptor that is connecting, or -errno.
  int StartConnecting(const std::string& host, int port, const std::string& local_host);
  // The peer has answered. False: it refused, and the connection is gone.
  bool Connected(int id);
  void Accept(int listener);
  int WatchListener(int listener);
  void PauseListener(Listener* listener);
  // Descriptors are given out lowest first: one this high says that as many are in use.
  bool IsLastDescriptor(int fd) const;
  bool Receive(int id, bool may_have_ended);
  // The same; who finds no room has its turn later.
  void ReceiveOrQueue(int id, bool may_have_ended);
  void SendHeld();
  void HandleReady(const epoll_event& ready);
  // Moves a connection from one set to the other.
  void SetPaced(int id, bool is_paced);
  int EpollOf(const Connection& c) const { return c.is_paced ? paced_fd_ : epoll_fd_; }
  static epoll_event EventOf(int id, const Connection& c);
  void Close(int id, int error);
  void Fail(int id, int error);
  // Sends what waits, in order: the rest of an entry, control bytes, then the log. Its log was refreshed.
  void Drain(int id);
  // The same for one connection by itself.
  void Wake(int id);
  void DrainLater(int id, Connection* c);
  // Whether the cursor's first media is there to be sent.
  bool IsAboutToStart(const Connection& c) const;
  // These say false when the connection is blocked or gone.
  bool SendQueue(int id, Connection* c);
  bool SendRest(int id, Connection* c);
  bool SendEntries(int id, Connection* c);
  ssize_t Write(int id, Connection* c, const iovec* parts, size_t count, int flags = 0);
  void Block(Connection* c);
  void MarkProgress(const Connection& c);
  bool Rescue(Connection* c);
  void DropQueue(Connection* c);
  void MoveTo(const Connection& c, const Log& log, int64_t entry) { cursors_.MoveTo(c.cursor, log, entry, c.entry_offset); }
  void Detach(int id, Connection* c);
  void Evict(int id);
  void AfterDrained(int id, Connection* c);
  void Forget();
  void Gather(const Log& log, int log_id, int64_t entry, bool is_starting);

  const Syscalls* sys_;
  int epoll_fd_ = -1;
  int paced_fd_ = -1;  // in epoll_fd_, unless it is paused
  bool is_paced_paused_ = false;
  int paced_count_ = 0;
  int doorbell_fd_ = -1;
  int descriptor_limit_ = 0;
  double now_ms_ = 0;  // of the newest call that said so
  uint8_t* receive_buffer_;
  size_t receive_length_;
  size_t receive_used_ = 0;
  std::deque<Connection> connections_;
  std::vector<int> free_;
  // Closed, and JavaScript has been told in the batch before the next: only then is the id used again.
  std::vector<int> freed_;
  std::deque<LogSlot> logs_;
  std::deque<Listener> listeners_;
  // Those with more to receive, or to send, than one turn has time for.
  std::vector<int> to_read_;
  std::vector<int> to_send_;
  // Those that were given control bytes in this turn.
  std::vector<int> held_;
  Events events_;
  Cursors cursors_;
  // What was gathered last in this flush, for the cursors that stand at the same entry.
  std::vector<iovec> gathered_;
  int gathered_log_ = -1;
  int64_t gathered_entry_ = -1;
  bool gathered_starting_ = false;
  int64_t gathered_end_ = -1;
  size_t gathered_bytes_ = 0;
  std::vector<iovec> scratch_;
  Datagrams datagrams_;  // the last: it uses what stands before it
};

}  // namespace millrace
