/**
 * What the enhanced headers of pictures and sound have in common (E-RTMP v2, "Enhanced Audio" and "Enhanced Video"):
 * ModEx blocks, the multitrack forms, and the order of it all:
 *
 *     1  flags and packet type (ModEx, Multitrack, or the packet's own)
 *     5  for each ModEx: size - 1, data, kind and next packet type
 *     1  when Multitrack: form and the packet's own type
 *     4  FourCC (in the form with many codecs: before each track)
 *     1  when Multitrack: track id, and but for the form with one track 3 bytes of size, before each track
 */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { writeU24, writeU32 } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_FLV_MODEX, ERR_FLV_MULTITRACK } from "./errors.ts";
import { maxModExPerTag, maxNanosecondOffset, maxTracksPerTag } from "./limits.ts";

/** How the tracks of one tag are packed; undefined without Multitrack: one track, with id 0. */
export type MultitrackForm = undefined | "one-track" | "many-tracks" | "many-tracks-many-codecs";

/** The packet type of both kinds that announces a ModEx block. */
export const modExPacketType = 7;

/** Reads the ModEx blocks behind the first byte: the packet type behind the last, and the nanoseconds they brought. */
export function parseModEx(reader: ByteReader): { packetType: number; nanosecondOffset: number } {
  let packetType: number = modExPacketType;
  let nanosecondOffset = 0;
  for (let count = 0; packetType === modExPacketType; count++) {
    if (count === maxModExPerTag) {
      throw new CodedError(ERR_FLV_MODEX, `expected at most ${maxModExPerTag} ModEx blocks before a packet`);
    }
    let size = reader.u8() + 1;
    if (size === 256) size = reader.u16() + 1;
    const data = new ByteReader(reader.view(size));
    const next = reader.u8();
    packetType = next & 0x0f;
    if (next >> 4 === timestampOffsetNano) nanosecondOffset = parseNanosecondOffset(data);
    // Other kinds are reserved; a receiver that does not know one goes on without it.
  }
  return { packetType, nanosecondOffset };
}

/** The form that the high half of the byte behind Multitrack names. */
export function multitrackForm(code: number): Exclude<MultitrackForm, undefined> {
  const form = forms[code];
  if (form === undefined) throw new CodedError(ERR_FLV_MULTITRACK, `expected multitrack form 0, 1 or 2, got ${code}`);
  return form;
}

/**
 * Reads the codec and the tracks up to the end of the body. `parseCodec` reads a FourCC; `parseTrack` reads one track's
 * packet, to the end of the reader it is given.
 */
export function parseTracks<Codec, Track>(
  reader: ByteReader,
  form: MultitrackForm,
  parseCodec: (reader: ByteReader) => Codec,
  parseTrack: (reader: ByteReader, trackId: number, codec: Codec) => Track,
): Track[] {
  if (form === undefined) return [parseTrack(reader, 0, parseCodec(reader))];
  if (form === "one-track") {
    const codec = parseCodec(reader);
    return [parseTrack(reader, reader.u8(), codec)];
  }
  let codec = form === "many-tracks" ? parseCodec(reader) : undefined;
  const tracks: Track[] = [];
  do {
    if (tracks.length === maxTracksPerTag) {
      throw new CodedError(ERR_FLV_MULTITRACK, `expected at most ${maxTracksPerTag} tracks in one tag`);
    }
    if (form === "many-tracks-many-codecs") codec = parseCodec(reader);
    const trackId = reader.u8();
    const size = reader.u24();
    const from = reader.offset;
    reader.skip(size);
    tracks.push(parseTrack(new ByteReader(reader.bytes, from, from + size), trackId, codec as Codec));
  } while (reader.left > 0);
  return tracks;
}

export function exHeaderLength(nanosecondOffset: number, trackId: number): number {
  return 5 + (nanosecondOffset > 0 ? 5 : 0) + (trackId > 0 ? 2 : 0);
}

/**
 * Writes the header above: `flags` is the first byte without its packet type, `multitrackPacketType` the code of
 * Multitrack, which pictures and sound number differently. Track 0 is written without Multitrack.
 */
export function writeExHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  packetType: number,
  multitrackPacketType: number,
  fourCc: number,
  nanosecondOffset: number,
  trackId: number,
): number {
  const outerType = trackId > 0 ? multitrackPacketType : packetType;
  let offset = at;
  if (nanosecondOffset > 0) {
    target[offset] = flags | modExPacketType;
    target[offset + 1] = 2; // size - 1
    writeU24(target, offset + 2, nanosecondOffset);
    target[offset + 5] = (timestampOffsetNano << 4) | outerType;
    offset += 6;
  } else {
    target[offset++] = flags | outerType;
  }
  if (trackId > 0) target[offset++] = packetType; // the form with one track is 0
  writeU32(target, offset, fourCc);
  offset += 4;
  if (trackId > 0) target[offset++] = trackId;
  return offset;
}

function parseNanosecondOffset(data: ByteReader): number {
  if (data.left < 3) throw new CodedError(ERR_FLV_MODEX, `expected 3 bytes of nanoseconds, got ${data.left}`);
  const offset = data.u24();
  if (offset > maxNanosecondOffset) {
    throw new CodedError(ERR_FLV_MODEX, `expected at most ${maxNanosecondOffset} nanoseconds, got ${offset}`);
  }
  return offset;
}

const timestampOffsetNano = 0;

const forms: readonly Exclude<MultitrackForm, undefined>[] = ["one-track", "many-tracks", "many-tracks-many-codecs"];
