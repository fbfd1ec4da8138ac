// One turn's worth of an egress log as datagrams, for all cursors that stand at the same record: cut once, sent to many.
//
// The entries are records: "$", a channel, the packet's length in two bytes, big-endian, and the packet. Consecutive packets of
// one channel that are equally long, but for the last, are one message: the kernel cuts it (UDP_SEGMENT).
#pragma once

#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "log.h"

namespace millrace {

class PacketPlan {
 public:
  struct Packet {
    uint32_t first_part;
    uint32_t part_count;
    uint32_t length;
    // Where a cursor stands when it has left: so many bytes into an entry.
    uint32_t end_offset;
    int64_t end_entry;
  };
  struct Message {
    uint8_t channel;
    uint32_t first_packet;
    uint32_t packet_count;
    uint32_t first_part;
    uint32_t part_count;
    uint32_t byte_count;
  };

  // What the kernel is told of a message that it is to cut.
  struct Segmentation {
    alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
  };

  void Forget() { log_ = -1; }
  bool IsOf(int log, int64_t entry, uint32_t offset, bool is_starting) const {
    return log_ == log && entry_ == entry && offset_ == offset && is_starting_ == is_starting;
  }
  // From byte `offset` of `entry` on, until a turn's bytes are exceeded. The pieces are those of the ring.
  void Cut(const Log& log, int log_id, int64_t entry, uint32_t offset, bool is_starting);

  // Puts the packets together without what stands between them, when many are to get them: a message is then one piece and not one
  // for each packet, which is worth an eighth of what sending costs (10 KB in nine packets), and is paid once for all of them.
  void Copy();

  int log() const { return log_; }
  bool IsIntact(const Log& log) const { return log.IsIntact(entry_, position_); }
  const std::vector<Message>& messages() const { return messages_; }
  const Packet& packet(size_t index) const { return packets_[index]; }
  const Segmentation& segmentation(size_t message) const { return segmentations_[message]; }
  const iovec* part(size_t index) const { return parts_.data() + index; }
  int64_t end_entry() const { return end_entry_; }
  uint32_t end_offset() const { return end_offset_; }

 private:
  void AddPacket(const Log& log, uint8_t channel, uint64_t position, uint32_t length);

  int log_ = -1;
  int64_t entry_ = 0;
  int64_t position_ = 0;
  uint32_t offset_ = 0;
  bool is_starting_ = false;
  int64_t end_entry_ = 0;
  uint32_t end_offset_ = 0;
  std::vector<Packet> packets_;
  std::vector<Message> messages_;
  std::vector<Segmentation> segmentations_;
  std::vector<iovec> parts_;
  std::vector<iovec> ring_parts_;
  std::vector<uint8_t> copy_;
};

}  // namespace millrace
