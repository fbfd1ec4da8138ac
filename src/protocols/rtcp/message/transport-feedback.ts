/** Transport-wide congestion control, which packets came when: draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. */

import { assert } from "../../../bytes/assert.ts";
import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTCP_PACKET } from "../errors.ts";
import { maxFeedbackPackets } from "../limits.ts";

export interface TransportFeedback {
  readonly kind: "transportFeedback";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** The transport-wide sequence number of the first packet. */
  readonly baseSequence: number;
  /** Signed 24 bits in 64 ms; what the deltas start from. */
  readonly referenceTime: number;
  /** Counts the feedback messages, modulo 256. */
  readonly feedbackCount: number;
  /** For each packet from `baseSequence` on: how long after the one before it came; see the two constants below. */
  readonly arrivals: readonly number[];
}

/** An arrival: the packet did not come. */
export const notReceived: number = Number.POSITIVE_INFINITY;
/** An arrival: the packet came, nobody knows when. */
export const receivedAnytime: number = Number.NEGATIVE_INFINITY;

/** FMT of a transport layer feedback message (205). */
export const transportFeedbackFormat = 15;

export function parseTransportFeedback(reader: ByteReader): TransportFeedback {
  const senderSsrc = reader.u32();
  const mediaSsrc = reader.u32();
  const baseSequence = reader.u16();
  const packetCount = reader.u16();
  const referenceTime = reader.i24();
  const feedbackCount = reader.u8();
  if (packetCount > maxFeedbackPackets) {
    throw new CodedError(
      ERR_RTCP_PACKET,
      `a feedback tells of ${packetCount} packets, expected at most ${maxFeedbackPackets}`,
    );
  }
  const symbols: number[] = [];
  while (symbols.length < packetCount) parseChunk(reader.u16(), packetCount, symbols);
  const arrivals = symbols.map((symbol) => parseArrival(reader, symbol));
  return { kind: "transportFeedback", senderSsrc, mediaSsrc, baseSequence, referenceTime, feedbackCount, arrivals };
}

/** Writes chunks of seven symbols, or runs where there are longer ones. The caller pads to a whole word. */
export function writeTransportFeedback(writer: ByteWriter, feedback: TransportFeedback): void {
  const { arrivals } = feedback;
  assert(arrivals.length <= maxFeedbackPackets, "a feedback tells of at most 1,024 packets");
  writer.u32(feedback.senderSsrc).u32(feedback.mediaSsrc).u16(feedback.baseSequence).u16(arrivals.length);
  writer.u24(feedback.referenceTime).u8(feedback.feedbackCount);
  const symbols = arrivals.map(symbolOf);
  for (let at = 0; at < symbols.length; ) {
    let run = 1;
    while (at + run < symbols.length && symbols[at + run] === symbols[at] && run < maxRun) run++;
    if (run > symbolsOfVector) {
      writer.u16(((symbols[at] as number) << 13) | run);
      at += run;
    } else {
      let chunk = twoBitVector;
      for (let i = 0; i < symbolsOfVector; i++) chunk |= (symbols[at + i] ?? 0) << (12 - 2 * i);
      writer.u16(chunk);
      at += symbolsOfVector;
    }
  }
  for (const [i, symbol] of symbols.entries()) {
    const arrival = arrivals[i] as number;
    if (symbol === smallDelta) writer.u8(arrival);
    else if (symbol === largeDelta) writer.u16(arrival & 0xffff);
  }
}

/** A packet status chunk, §3.1.3 and §3.1.4; the last one may tell of more packets than there are. */
function parseChunk(chunk: number, packetCount: number, symbols: number[]): void {
  if (chunk < 0x8000) {
    for (let run = Math.min(chunk & 0x1fff, packetCount - symbols.length); run > 0; run--) symbols.push(chunk >> 13);
    if ((chunk & 0x1fff) === 0) throw new CodedError(ERR_RTCP_PACKET, "a feedback has a run of no packets");
    return;
  }
  const bits = (chunk & 0x4000) === 0 ? 1 : 2;
  for (let at = 14 - bits; at >= 0 && symbols.length < packetCount; at -= bits) {
    symbols.push((chunk >> at) & (bits === 1 ? 1 : 3));
  }
}

/** A receive delta, §3.1.5. */
function parseArrival(reader: ByteReader, symbol: number): number {
  if (symbol === smallDelta) return reader.u8();
  if (symbol === largeDelta) return (reader.u16() << 16) >> 16;
  return symbol === notReceivedSymbol ? notReceived : receivedAnytime;
}

function symbolOf(arrival: number): number {
  if (arrival === notReceived) return notReceivedSymbol;
  if (arrival === receivedAnytime) return receivedAnytimeSymbol;
  if (arrival >= 0 && arrival <= 0xff) return smallDelta;
  assert(arrival >= -0x8000 && arrival <= 0x7fff, "an arrival has 16 bits: begin a new feedback");
  return largeDelta;
}

const notReceivedSymbol = 0;
const smallDelta = 1;
const largeDelta = 2;
const receivedAnytimeSymbol = 3;
const twoBitVector = 0xc000;
const symbolsOfVector = 7;
const maxRun = 0x1fff;
