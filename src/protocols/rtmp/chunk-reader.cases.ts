/** Chunk streams in hex, and the messages in them: [type, timestamp, message stream, payload]. */
export interface ChunkCase {
  readonly what: string;
  readonly hex: string;
  readonly messages: readonly (readonly [number, number, number, string])[];
}

const setChunkSize2 = "02 000000 000004 01 00000000 00000002";

export const chunkCases: readonly ChunkCase[] = [
  {
    what: "format 0",
    hex: "06 000102 000003 09 01000000 aabbcc",
    messages: [[9, 0x102, 1, "aabbcc"]],
  },
  {
    what: "format 1 adds to the timestamp and keeps the message stream",
    hex: "06 000010 000001 09 01000000 aa 46 000005 000002 08 bbcc",
    messages: [
      [9, 0x10, 1, "aa"],
      [8, 0x15, 1, "bbcc"],
    ],
  },
  {
    what: "format 2 keeps length and type",
    hex: "06 000010 000001 09 01000000 aa 86 000005 bb",
    messages: [
      [9, 0x10, 1, "aa"],
      [9, 0x15, 1, "bb"],
    ],
  },
  {
    what: "format 3 at the start of a message repeats the delta",
    hex: "06 000010 000001 09 01000000 aa 86 000005 bb c6 cc c6 dd",
    messages: [
      [9, 0x10, 1, "aa"],
      [9, 0x15, 1, "bb"],
      [9, 0x1a, 1, "cc"],
      [9, 0x1f, 1, "dd"],
    ],
  },
  {
    what: "format 3 at the start of a message after format 0 repeats its timestamp as a delta (§5.3.1.2.4)",
    hex: "06 000010 000001 09 01000000 aa c6 bb",
    messages: [
      [9, 0x10, 1, "aa"],
      [9, 0x20, 1, "bb"],
    ],
  },
  {
    what: "a message in three chunks",
    hex: `${setChunkSize2} 06 000010 000005 09 01000000 aabb c6 ccdd c6 ee`,
    messages: [[9, 0x10, 1, "aabbccddee"]],
  },
  {
    what: "two chunk streams interleaved",
    hex: `${setChunkSize2} 06 000010 000003 09 01000000 aabb 04 000020 000003 08 01000000 1122 c6 cc c4 33`,
    messages: [
      [9, 0x10, 1, "aabbcc"],
      [8, 0x20, 1, "112233"],
    ],
  },
  {
    what: "chunk stream ids of two and three bytes: 64, 319, 65599",
    hex:
      "00 00 000000 000001 09 01000000 aa 00 ff 000000 000001 09 01000000 bb " +
      "01 ff ff 000000 000001 09 01000000 cc c0 00 dd",
    messages: [
      [9, 0, 1, "aa"],
      [9, 0, 1, "bb"],
      [9, 0, 1, "cc"],
      [9, 0, 1, "dd"],
    ],
  },
  {
    what: "an id of three bytes that two bytes could have said is the same chunk stream",
    hex: "00 05 000007 000001 09 01000000 aa c1 05 00 bb",
    messages: [
      [9, 7, 1, "aa"],
      [9, 14, 1, "bb"],
    ],
  },
  {
    what: "an extended timestamp, repeated in the further chunks",
    hex: `${setChunkSize2} 06 ffffff 000003 09 01000000 01000000 aabb c6 01000000 cc`,
    messages: [[9, 0x1000000, 1, "aabbcc"]],
  },
  {
    what: "an extended timestamp that the further chunks leave out, as some writers do",
    hex: `${setChunkSize2} 06 ffffff 000005 09 01000000 01000000 aabb c6 ccdd c6 ee 06 000000 000001 09 01000000 ff`,
    messages: [
      [9, 0x1000000, 1, "aabbccddee"],
      [9, 0, 1, "ff"],
    ],
  },
  {
    what: "an extended timestamp left out in front of payload that begins like it",
    hex: `${setChunkSize2} 06 ffffff 000005 09 01000000 01000000 aabb c6 0100 c6 ee`,
    messages: [[9, 0x1000000, 1, "aabb0100ee"]],
  },
  {
    what: "a timestamp of exactly 0xffffff is extended",
    hex: "06 ffffff 000001 09 01000000 00ffffff aa",
    messages: [[9, 0xffffff, 1, "aa"]],
  },
  {
    what: "an extended delta, repeated as delta or as timestamp",
    hex:
      `${setChunkSize2} 06 000001 000003 09 01000000 aabb c6 cc 46 ffffff 000003 09 02000000 aabb c6 02000000 cc ` +
      "46 ffffff 000003 09 02000000 aabb c6 04000001 cc",
    messages: [
      [9, 1, 1, "aabbcc"],
      [9, 0x2000001, 1, "aabbcc"],
      [9, 0x4000001, 1, "aabbcc"],
    ],
  },
  {
    what: "timestamps wrap at 2^32",
    hex: "06 ffffff 000001 09 01000000 fffffff0 aa 86 000020 bb",
    messages: [
      [9, 0xfffffff0, 1, "aa"],
      [9, 0x10, 1, "bb"],
    ],
  },
  {
    what: "a delta of almost 2^32 goes back",
    hex: "06 000064 000001 09 01000000 aa 86 ffffff ffffffff bb",
    messages: [
      [9, 100, 1, "aa"],
      [9, 99, 1, "bb"],
    ],
  },
  {
    what: "a chunk stream that begins with format 1 (librtmp's ping response)",
    hex: "42 000000 000006 04 000700000001",
    messages: [[4, 0, 0, "000700000001"]],
  },
  {
    what: "a new header inside a message gives it up",
    hex: `${setChunkSize2} 06 000010 000005 09 01000000 aabb 06 000011 000001 09 01000000 cc`,
    messages: [[9, 0x11, 1, "cc"]],
  },
  {
    what: "an aborted message",
    hex: `${setChunkSize2} 06 000010 000005 09 01000000 aabb 02 000000 000004 02 00000000 0000 c2 0006 06 000011 000001 09 01000000 cc`,
    messages: [[9, 0x11, 1, "cc"]],
  },
  {
    what: "an abort of a chunk stream that does not exist",
    hex: "02 000000 000004 02 00000000 00000063 06 000011 000001 09 01000000 cc",
    messages: [[9, 0x11, 1, "cc"]],
  },
  {
    what: "a message without payload",
    hex: "06 000010 000000 09 01000000 c6",
    messages: [
      [9, 0x10, 1, ""],
      [9, 0x20, 1, ""],
    ],
  },
  {
    what: "a new chunk size in the middle of another message",
    hex: `${setChunkSize2} 06 000010 000005 09 01000000 aabb 02 000000 000004 01 00000000 0000 c2 0080 c6 ccddee`,
    messages: [[9, 0x10, 1, "aabbccddee"]],
  },
  {
    what: "the largest declared chunk size",
    hex: "02 000000 000004 01 00000000 7fffffff 06 000010 000005 09 01000000 aabbccddee",
    messages: [[9, 0x10, 1, "aabbccddee"]],
  },
];

/** Chunk streams that end the session, and why. */
export const badChunkCases: readonly { what: string; hex: string; code: string }[] = [
  { what: "format 3 first", hex: "c3 00", code: "ERR_RTMP_CHUNK_ORDER" },
  { what: "format 2 first", hex: "83 000001 00", code: "ERR_RTMP_CHUNK_ORDER" },
  { what: "a chunk size of 0", hex: "02 000000 000004 01 00000000 00000000", code: "ERR_RTMP_CHUNK_SIZE" },
  { what: "a chunk size of 2^31", hex: "02 000000 000004 01 00000000 80000000", code: "ERR_RTMP_CHUNK_SIZE" },
  { what: "a chunk size in three bytes", hex: "02 000000 000003 01 00000000 000001", code: "ERR_TRUNCATED" },
  { what: "an abort in two bytes", hex: "02 000000 000002 02 00000000 0001", code: "ERR_TRUNCATED" },
  {
    what: "a chunk above 1 MiB",
    hex: "02 000000 000004 01 00000000 00100001 06 000010 100001 09 01000000 aa",
    code: "ERR_RTMP_CHUNK_TOO_LONG",
  },
];
