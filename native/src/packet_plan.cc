#include "packet_plan.h"

#include <cstring>

namespace millrace {

namespace {

constexpr uint8_t kRecordMark = '$';
constexpr uint32_t kRecordHeaderBytes = 4;
constexpr uint32_t kMaxSegments = 64;           // UDP_MAX_SEGMENTS of every kernel that has them
constexpr uint32_t kMaxMessageBytes = 65507;    // what one datagram of IPv4 may hold; the kernel cuts no larger one

}  // namespace

void PacketPlan::Cut(const Log& log, int log_id, int64_t entry, uint32_t offset, bool is_starting) {
  log_ = log_id;
  entry_ = entry;
  position_ = log.PositionOf(entry);
  offset_ = offset;
  is_starting_ = is_starting;
  packets_.clear();
  messages_.clear();
  parts_.clear();
  // Of this turn, with the four bytes in front of each: what is torn may look like any number of empty ones.
  uint64_t byte_count = 0;
  uint64_t from = offset;
  int64_t at = entry;
  for (; at < log.entry_tail(); at++, from = 0) {
    if (log.IsSkipped(at, at == entry && (is_starting || offset > 0))) continue;
    const auto base = static_cast<uint64_t>(log.PositionOf(at));
    const uint64_t length = log.LengthOf(at);
    while (from < length && byte_count < kPacketTurnBytes) {
      if (length - from < kRecordHeaderBytes || log.ByteAt(base + from) != kRecordMark) break;
      const uint32_t packet_length = static_cast<uint32_t>(log.ByteAt(base + from + 2) << 8 | log.ByteAt(base + from + 3));
      if (packet_length > length - from - kRecordHeaderBytes) break;
      AddPacket(log, log.ByteAt(base + from + 1), base + from + kRecordHeaderBytes, packet_length);
      from += kRecordHeaderBytes + packet_length;
      byte_count += kRecordHeaderBytes + packet_length;
      packets_.back().end_entry = from < length ? at : at + 1;
      packets_.back().end_offset = from < length ? static_cast<uint32_t>(from) : 0;
    }
    if (byte_count >= kPacketTurnBytes) break;
    // What is no record is skipped with the rest of its entry.
  }
  const bool is_inside = at < log.entry_tail() && from < log.LengthOf(at);
  end_entry_ = at < log.entry_tail() && !is_inside ? at + 1 : at;
  end_offset_ = is_inside ? static_cast<uint32_t>(from) : 0;
  if (!packets_.empty()) {
    packets_.back().end_entry = end_entry_;
    packets_.back().end_offset = end_offset_;
  }
  segmentations_.resize(messages_.size());
  for (size_t i = 0; i < messages_.size(); i++) {
    auto* header = reinterpret_cast<cmsghdr*>(segmentations_[i].bytes);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const auto segment = static_cast<uint16_t>(packets_[messages_[i].first_packet].length);
    std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
  }
}

void PacketPlan::Copy() {
  size_t byte_count = 0;
  for (const Message& message : messages_) byte_count += message.byte_count;
  copy_.resize(byte_count);
  ring_parts_.swap(parts_);
  parts_.clear();
  uint8_t* at = copy_.data();
  for (Packet& packet : packets_) {
    const auto part = static_cast<uint32_t>(parts_.size());
    parts_.push_back({at, packet.length});
    for (uint32_t i = 0; i < packet.part_count; i++) {
      const iovec& from = ring_parts_[packet.first_part + i];
      std::memcpy(at, from.iov_base, from.iov_len);
      at += from.iov_len;
    }
    packet.first_part = part;
    packet.part_count = 1;
  }
  for (Message& message : messages_) {
    void* start = parts_[packets_[message.first_packet].first_part].iov_base;
    message.first_part = static_cast<uint32_t>(parts_.size());
    message.part_count = 1;
    parts_.push_back({start, message.byte_count});
  }
}

void PacketPlan::AddPacket(const Log& log, uint8_t channel, uint64_t position, uint32_t length) {
  const auto first_part = static_cast<uint32_t>(parts_.size());
  log.AddRange(position, length, &parts_);
  const auto part_count = static_cast<uint32_t>(parts_.size()) - first_part;
  bool is_joining = false;
  if (!messages_.empty() && length > 0) {
    const Message& last = messages_.back();
    const uint32_t segment = packets_[last.first_packet].length;
    is_joining = last.channel == channel && length <= segment && packets_.back().length == segment &&
                 last.packet_count < kMaxSegments && last.byte_count + length <= kMaxMessageBytes;
  }
  if (!is_joining) {
    messages_.push_back({channel, static_cast<uint32_t>(packets_.size()), 0, first_part, 0, 0});
  }
  Message& message = messages_.back();
  message.packet_count++;
  message.part_count += part_count;
  message.byte_count += length;
  packets_.push_back({first_part, part_count, length, 0, 0});
}

}  // namespace millrace
