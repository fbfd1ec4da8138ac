/**
 * Cuts an FLV byte stream into whole tags and reads as much of each as a player page must know: kind, time, codec,
 * whether it configures a decoder.
 *
 * Source: Video File Format Specification 10.1, annex E (header E.2, tags E.4); Enhanced RTMP v2 (ExVideoTagHeader,
 * ExAudioTagHeader).
 */

export interface FlvTag {
  readonly kind: "audio" | "video" | "script";
  /** Milliseconds, 32 bits unsigned, as sent. */
  readonly timestampMs: number;
  /** A FourCC or the old codec number; "" for script tags and for packets a single-track player passes over. */
  readonly codecId: string;
  /** `config`: the decoder configuration; `frame`: media; `other`: end of sequence, metadata, multitrack, ModEx. */
  readonly role: "config" | "frame" | "other";
  readonly isKey: boolean;
  /** The decoder configuration of a `config` tag, else empty. */
  readonly configuration: Uint8Array;
  /** The whole tag with the tag size that follows it: memory of its own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface FlvHeader {
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

/** A frame of 8K intra video stays below 8 MiB; more is a broken stream, not a bigger picture. */
const maxTagBytes = 16 * 1024 * 1024;

const fileHeaderBytes = 9;
const tagHeaderBytes = 11;
const tagSizeBytes = 4;
const nothing = new Uint8Array(0);

export class FlvSplitter {
  header: FlvHeader | undefined;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  /** How many bytes the next step needs before it is worth joining the pieces. */
  #neededBytes = fileHeaderBytes + tagSizeBytes;

  /** Takes bytes in pieces of any size, returns the tags they completed. Throws when it is not FLV. */
  push(bytes: Uint8Array): FlvTag[] {
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes < this.#neededBytes) return [];

    const tags: FlvTag[] = [];
    const input = joined(this.#pieces, this.#heldBytes);
    let at = 0;
    while (input.length - at >= this.#neededBytes) {
      if (this.header === undefined) {
        this.header = readFileHeader(input);
        at = readUint32(input, 5) + tagSizeBytes;
        this.#neededBytes = tagHeaderBytes;
        if (at > input.length) throw new Error("the FLV header is longer than any known one");
      } else {
        const wholeBytes = tagHeaderBytes + readUint24(input, at + 1) + tagSizeBytes;
        if (wholeBytes > maxTagBytes) throw new Error(`an FLV tag of ${wholeBytes} bytes: the stream is damaged`);
        if (input.length - at < wholeBytes) {
          this.#neededBytes = wholeBytes;
          break;
        }
        tags.push(readTag(new Uint8Array(input.subarray(at, at + wholeBytes))));
        at += wholeBytes;
        this.#neededBytes = tagHeaderBytes;
      }
    }
    const rest = input.slice(at);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#heldBytes = rest.length;
    return tags;
  }
}

/** An FLV header that announces exactly these tracks, with the zero tag size that follows it. */
export function flvFileHeader(header: FlvHeader): Uint8Array<ArrayBuffer> {
  const flags = (header.hasAudio ? 4 : 0) | (header.hasVideo ? 1 : 0);
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, fileHeaderBytes, 0, 0, 0, 0);
}

/** Gives a tag another time (milliseconds, 32 bits unsigned), in place. */
export function setTimestamp(tag: Uint8Array, timestampMs: number): void {
  tag[4] = timestampMs >>> 16;
  tag[5] = timestampMs >>> 8;
  tag[6] = timestampMs;
  tag[7] = timestampMs >>> 24;
}

function readFileHeader(input: Uint8Array): FlvHeader {
  if (input[0] !== 0x46 || input[1] !== 0x4c || input[2] !== 0x56) throw new Error("what the server sent is not FLV");
  const flags = input[4] ?? 0;
  return { hasAudio: (flags & 4) !== 0, hasVideo: (flags & 1) !== 0 };
}

function readTag(bytes: Uint8Array<ArrayBuffer>): FlvTag {
  const timestampMs = (((bytes[7] ?? 0) << 24) | readUint24(bytes, 4)) >>> 0;
  const body = bytes.subarray(tagHeaderBytes, bytes.length - tagSizeBytes);
  switch (bytes[0]) {
    case 8:
      return { kind: "audio", timestampMs, bytes, ...readAudio(body) };
    case 9:
      return { kind: "video", timestampMs, bytes, ...readVideo(body) };
    default:
      return { kind: "script", timestampMs, bytes, codecId: "", role: "other", isKey: false, configuration: nothing };
  }
}

type Body = Pick<FlvTag, "codecId" | "role" | "isKey" | "configuration">;

const passedOver: Body = { codecId: "", role: "other", isKey: false, configuration: nothing };

function readVideo(body: Uint8Array): Body {
  const first = body[0];
  if (first === undefined) return passedOver;
  const isKey = ((first >>> 4) & 7) === 1;
  if ((first & 0x80) !== 0) {
    // ExVideoTagHeader: VideoPacketType 0 configuration, 1 frame with composition time, 3 frame without; the rest is
    // end of sequence, metadata, MPEG-TS configuration, multitrack, ModEx.
    const packetType = first & 15;
    if (body.length < 5 || packetType > 5) return passedOver;
    const role = packetType === 0 ? "config" : packetType === 1 || packetType === 3 ? "frame" : "other";
    return { codecId: fourCc(body), role, isKey, configuration: role === "config" ? body.subarray(5) : nothing };
  }
  const codecId = String(first & 15);
  if (codecId !== "7" && codecId !== "12") return { codecId, role: "frame", isKey, configuration: nothing };
  const role = body[1] === 0 ? "config" : body[1] === 1 ? "frame" : "other";
  return { codecId, role, isKey, configuration: role === "config" ? body.subarray(5) : nothing };
}

function readAudio(body: Uint8Array): Body {
  const first = body[0];
  if (first === undefined) return passedOver;
  const soundFormat = first >>> 4;
  if (soundFormat === 9) {
    // ExAudioTagHeader: AudioPacketType 0 configuration, 1 frames; the rest is end of sequence, channel layout, multitrack, ModEx.
    const packetType = first & 15;
    if (body.length < 5 || packetType > 4) return passedOver;
    const role = packetType === 0 ? "config" : packetType === 1 ? "frame" : "other";
    return { codecId: fourCc(body), role, isKey: true, configuration: role === "config" ? body.subarray(5) : nothing };
  }
  const codecId = String(soundFormat);
  if (codecId !== "10") return { codecId, role: "frame", isKey: true, configuration: nothing };
  const role = body[1] === 0 ? "config" : "frame";
  return { codecId, role, isKey: true, configuration: role === "config" ? body.subarray(2) : nothing };
}

function fourCc(body: Uint8Array): string {
  return String.fromCharCode(...body.subarray(1, 5));
}

function joined(pieces: Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1 && pieces[0] !== undefined) return pieces[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function readUint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 0x1000000 + readUint24(bytes, at + 1);
}
