/** Publishing over RTMP: a message for each frame, which is the stream's tag body as it is. */

import { flvTagType } from "../../formats/flv/tag.ts";
import { chunkedLength, chunkStreamId, writeChunks } from "../../protocols/rtmp/chunk-writer.ts";
import { RtmpClientSession } from "../../protocols/rtmp/client-session.ts";
import type { PublishedFrames, PublisherEvent, PublisherProtocol, PublisherSession } from "./publisher-protocol.ts";
import { simpleHandshake } from "./rtmp-players.ts";
import { writeSendingTime } from "./sending-time.ts";
import { pictureMs, type SyntheticStream, soundMs } from "./synthetic-stream.ts";

export class RtmpPublishing implements PublisherProtocol, PublishedFrames {
  readonly #stream: SyntheticStream;

  constructor(stream: SyntheticStream) {
    this.#stream = stream;
  }

  openSession(url: string, nowMs: number): PublisherSession {
    return new RtmpPublisherSession(url, nowMs);
  }

  /** Nothing is counted. */
  openFrames(): PublishedFrames {
    return this;
  }

  start(messageStreamId: number, timeMs: number): readonly Uint8Array[] {
    const { metadata, videoConfig, audioConfig } = this.#stream;
    return [
      writeMedia(flvTagType.script, timeMs, messageStreamId, metadata),
      writeMedia(flvTagType.video, timeMs, messageStreamId, videoConfig),
      writeMedia(flvTagType.audio, timeMs, messageStreamId, audioConfig),
    ];
  }

  picture(messageStreamId: number, number: number, index: number, sentAtMs: number): Uint8Array {
    const body = this.#stream.pictures[index] as Uint8Array;
    const message = writeMedia(flvTagType.video, number * pictureMs, messageStreamId, body);
    writeSendingTime(message, message.length - bodyOnWire(body), sentAtMs);
    return message;
  }

  sound(messageStreamId: number, number: number): Uint8Array {
    return writeMedia(flvTagType.audio, Math.round(number * soundMs), messageStreamId, this.#stream.sound);
  }
}

class RtmpPublisherSession implements PublisherSession {
  readonly #session: RtmpClientSession;

  constructor(url: string, nowMs: number) {
    this.#session = new RtmpClientSession({ crypto: simpleHandshake, url, role: "publish", chunkSize }, nowMs);
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    this.#session.handle(bytes, nowMs);
  }

  handleTime(): void {}

  poll(): PublisherEvent | undefined {
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent()) {
      if (event.type === "ready") return { type: "accepted", address: event.messageStreamId };
      if (event.type === "closed") return event;
    }
    return undefined;
  }

  pollOutput(): Uint8Array | undefined {
    return this.#session.pollOutput();
  }

  close(): void {
    this.#session.close();
  }
}

function writeMedia(type: number, timestampMs: number, messageStreamId: number, body: Uint8Array): Uint8Array {
  const csid =
    type === flvTagType.video
      ? chunkStreamId.video
      : type === flvTagType.audio
        ? chunkStreamId.audio
        : chunkStreamId.data;
  const target = new Uint8Array(chunkedLength(body.length, timestampMs, chunkSize));
  writeChunks(target, 0, csid, timestampMs, type, messageStreamId, body, chunkSize);
  return target;
}

/** Bytes of a body in chunks, from its first one on: what stands behind the message's header. */
function bodyOnWire(body: Uint8Array): number {
  return chunkedLength(body.length, 0, chunkSize) - chunkedLength(0, 0, chunkSize);
}

const chunkSize = 60_000;
