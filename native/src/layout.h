// Made from src/runtime/native-layout.ts by npm run build:native. Do not edit: change the declarations it names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

constexpr int64_t kLogHeaderBytes = 64;
constexpr int64_t kEntryRecordBytes = 24;
constexpr int64_t kGuardDivisor = 8;
constexpr int64_t kPacketTurnBytes = 65536;
constexpr int64_t kDatagramSlotBytes = 66560;
constexpr int64_t kWordTailIntent = 0;
constexpr int64_t kWordEntryTail = 1;
constexpr int64_t kWordNewestRandomAccessEntry = 2;
constexpr int64_t kWordSuperseded = 3;
constexpr int64_t kWordFloor = 4;
constexpr int64_t kWordFloorEntry = 5;
constexpr int64_t kRecordPosition = 0;
constexpr int64_t kRecordTimeMs = 8;
constexpr int64_t kRecordLength = 16;
constexpr int64_t kRecordFlags = 20;
constexpr int64_t kEntryKey = 1;
constexpr int64_t kEntryConfig = 2;
constexpr int64_t kEntryPreamble = 4;
constexpr int64_t kEntryEndOfFrame = 8;
constexpr int64_t kCursorColumnPosition = 0;
constexpr int64_t kCursorColumnEntry = 1;
constexpr int64_t kCursorColumnSentBytes = 2;
constexpr int64_t kCursorColumnSkippedBytes = 3;
constexpr int64_t kCursorColumnProgressAtMs = 4;
constexpr int64_t kCursorColumnJumpedAtMs = 5;
constexpr int64_t kCursorColumnJumpCount = 6;
constexpr int64_t kCursorColumnFlags = 7;
constexpr int64_t kCursorInUse = 1;
constexpr int64_t kCursorStarting = 2;
constexpr int64_t kCursorWaiting = 4;
constexpr int64_t kEventAccept = 0;
constexpr int64_t kEventData = 1;
constexpr int64_t kEventClosed = 2;
constexpr int64_t kEventLag = 3;
constexpr int64_t kEventEvicted = 4;
constexpr int64_t kEventFinished = 5;
constexpr int64_t kEventCursorFree = 6;
constexpr int64_t kEventPeerEnded = 7;
constexpr int64_t kEventMore = 8;
constexpr int64_t kEventDoorbell = 9;
constexpr int64_t kEventConnected = 10;
constexpr int64_t kEventDatagram = 11;
constexpr int64_t kEventStranger = 12;
constexpr int64_t kEventSpread = 13;
constexpr int64_t kEventSegmentationRefused = 14;
constexpr int64_t kCounterAccepted = 0;
constexpr int64_t kCounterOpen = 1;
constexpr int64_t kCounterReceivedBytes = 2;
constexpr int64_t kCounterSentBytes = 3;
constexpr int64_t kCounterJumps = 4;
constexpr int64_t kCounterEvicted = 5;
constexpr int64_t kCounterSocketErrors = 6;
constexpr int64_t kCounterDropped = 7;
constexpr int64_t kCounterSends = 8;
constexpr int64_t kCounterAcceptPauses = 9;
constexpr int64_t kCounterQueuedBytes = 10;
constexpr int64_t kCounterConnectionTableBytes = 11;
constexpr int64_t kDatagramCounterReceivedPackets = 0;
constexpr int64_t kDatagramCounterReceivedBytes = 1;
constexpr int64_t kDatagramCounterStrangerPackets = 2;
constexpr int64_t kDatagramCounterSentPackets = 3;
constexpr int64_t kDatagramCounterSentBytes = 4;
constexpr int64_t kDatagramCounterDroppedPackets = 5;
constexpr int64_t kDatagramCounterOverflowedPackets = 6;
constexpr int64_t kDatagramCounterRefusedSegmentations = 7;
constexpr uint32_t kLayoutHash = 1167850836u;

// One record of the entry table.
struct EntryRecord {
  double position;
  double time_ms;
  uint32_t length;
  uint32_t flags;
};
static_assert(sizeof(EntryRecord) == kEntryRecordBytes);
static_assert(offsetof(EntryRecord, position) == kRecordPosition);
static_assert(offsetof(EntryRecord, time_ms) == kRecordTimeMs);
static_assert(offsetof(EntryRecord, length) == kRecordLength);
static_assert(offsetof(EntryRecord, flags) == kRecordFlags);

}  // namespace millrace
