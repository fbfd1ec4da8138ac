/** RTMP message types: RTMP 1.0 §5.4, §6.2, §7.1. */

export const messageTypeId = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  dataAmf0: 18,
  sharedObjectAmf0: 19,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** What a message is for; "other" has no use here (shared objects, unassigned ids) and is ignored. */
export type RtmpMessageType = "audio" | "video" | "data" | "command" | "control" | "aggregate" | "other";

/** A whole message, chunks joined: RTMP 1.0 §6.1. */
export interface RtmpMessage {
  readonly type: RtmpMessageType;
  readonly typeId: number;
  /** Milliseconds, absolute, modulo 2^32. */
  readonly timestamp: number;
  readonly messageStreamId: number;
  readonly chunkStreamId: number;
  /** Exactly the message's length. A publisher's is lent, for as long as the bytes that the session was given last. */
  readonly payload: Uint8Array;
}

/** The kind of message that `typeId` (one byte) says. */
export function messageTypeOf(typeId: number): RtmpMessageType {
  return typesById[typeId] ?? "other";
}

const typesById: RtmpMessageType[] = [
  "other", // 0 is unassigned
  "control",
  "control",
  "control",
  "control",
  "control",
  "control",
  "other", // 7 is unassigned
  "audio",
  "video",
  "other",
  "other",
  "other",
  "other",
  "other",
  "data",
  "other",
  "command",
  "data",
  "other",
  "command",
  "other",
  "aggregate",
];
