/**
 * What server and client have in common once the handshake is over: chunks in and out, acknowledgements both ways, and the
 * control messages that are answered without anybody's decision (RTMP 1.0 §5.4, §6.2).
 */

import type { AmfValue } from "../../formats/amf/amf-value.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { chunkStreamId, writeMessage } from "./chunk-writer.ts";
import { concatBytes } from "./concat-bytes.ts";
import { defaultChunkSize, minAcknowledgementWindow } from "./limits.ts";
import { parseAcknowledgement, writeAcknowledgement } from "./message/acknowledgement.ts";
import { writeCommand } from "./message/command.ts";
import { writeData } from "./message/data.ts";
import { messageTypeId, type RtmpMessage } from "./message/message-type.ts";
import { writeSetChunkSize } from "./message/set-chunk-size.ts";
import { parseSetPeerBandwidth, type SetPeerBandwidth, writeSetPeerBandwidth } from "./message/set-peer-bandwidth.ts";
import { parseUserControl, type UserControl, writeUserControl } from "./message/user-control.ts";
import {
  parseWindowAcknowledgementSize,
  writeWindowAcknowledgementSize,
} from "./message/window-acknowledgement-size.ts";
import type { ReplyMemo } from "./reply-memo.ts";

/** The window both ends start from here: what Flash Media Server, nginx-rtmp and SRS announce. */
export const defaultWindowBytes = 2_500_000;

export class RtmpLink {
  readonly reader: ChunkReader = new ChunkReader();
  /** What has not been polled yet. */
  #output: Uint8Array[] | undefined;
  #outChunkSize: number = defaultChunkSize;

  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  /** How many bytes the peer may send before it waits for an acknowledgement. */
  #receiveWindow: number = defaultWindowBytes;
  #sendWindow = 0;
  #peerAcknowledgedBytes = 0;
  #bandwidthLimit: SetPeerBandwidth | undefined;

  /** Everything received, the handshake included. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The last acknowledgement of the peer: bytes modulo 2^32. */
  get peerAcknowledgedBytes(): number {
    return this.#peerAcknowledgedBytes;
  }

  /** All output so far in one piece, which must not be changed; undefined when there is none. */
  pollOutput(): Uint8Array | undefined {
    const pieces = this.#output;
    this.#output = undefined;
    return pieces?.length === 1 ? pieces[0] : pieces && concatBytes(pieces);
  }

  /** Queues bytes as they are: the handshake's. */
  sendBytes(bytes: Uint8Array): void {
    if (this.#output === undefined) this.#output = [bytes];
    else this.#output.push(bytes);
  }

  send(csid: number, timestamp: number, typeId: number, messageStreamId: number, payload: Uint8Array): void {
    this.sendBytes(writeMessage(csid, timestamp, typeId, messageStreamId, payload, this.#outChunkSize));
  }

  /** Sends what `write` sends; `memo` has it from whoever was sent the same. `key`: everything that the bytes depend on. */
  sendAlike(memo: ReplyMemo | undefined, key: string, write: () => void): void {
    if (memo === undefined) {
      write();
      return;
    }
    const wholeKey = `${this.#outChunkSize} ${key}`;
    let bytes = memo.get(wholeKey);
    if (bytes === undefined) {
      const before = this.#output;
      this.#output = undefined;
      write();
      bytes = this.pollOutput() ?? new Uint8Array();
      this.#output = before;
      memo.set(wholeKey, bytes);
    }
    this.sendBytes(bytes);
  }

  sendCommand(messageStreamId: number, name: string, transactionId: number, ...values: readonly AmfValue[]): void {
    const [commandObject = null, ...rest] = values;
    const payload = writeCommand({ name, transactionId, commandObject, arguments: rest });
    this.send(chunkStreamId.command, 0, messageTypeId.commandAmf0, messageStreamId, payload);
  }

  sendData(messageStreamId: number, ...values: readonly AmfValue[]): void {
    this.send(chunkStreamId.data, 0, messageTypeId.dataAmf0, messageStreamId, writeData(...values));
  }

  /** Audio, video or data, each on its chunk stream. */
  sendMedia(messageStreamId: number, typeId: number, timestamp: number, payload: Uint8Array): void {
    this.send(mediaChunkStreamId(typeId), timestamp, typeId, messageStreamId, payload);
  }

  sendUserControl(message: UserControl): void {
    this.#sendControl(messageTypeId.userControl, writeUserControl(message));
  }

  /** Announces the chunk size and uses it from the next message on. */
  sendChunkSize(chunkSize: number): void {
    this.#sendControl(messageTypeId.setChunkSize, writeSetChunkSize(chunkSize));
    this.#outChunkSize = chunkSize;
  }

  sendWindow(windowBytes: number): void {
    this.#sendWindow = windowBytes;
    this.#sendControl(messageTypeId.windowAcknowledgementSize, writeWindowAcknowledgementSize(windowBytes));
  }

  sendPeerBandwidth(message: SetPeerBandwidth): void {
    this.#sendControl(messageTypeId.setPeerBandwidth, writeSetPeerBandwidth(message));
  }

  countReceived(bytes: number): void {
    this.#receivedBytes += bytes;
  }

  /**
   * Acknowledges what has come, once that is half the window, so that the peer never has to wait. To be called after bytes were
   * handled, and not before the handshake is over.
   */
  acknowledge(): void {
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#receiveWindow / 2) return;
    this.#acknowledgedBytes = this.#receivedBytes;
    this.#sendControl(messageTypeId.acknowledgement, writeAcknowledgement(this.#receivedBytes));
  }

  /**
   * Deals with a control message; what others have to know of it is returned: an event of User Control other than the peer's
   * ping request, which is answered here. Errors: ERR_TRUNCATED, ERR_RTMP_CONTROL.
   */
  handleControl(message: RtmpMessage): UserControl | undefined {
    switch (message.typeId) {
      case messageTypeId.acknowledgement:
        this.#peerAcknowledgedBytes = parseAcknowledgement(message.payload);
        return undefined;
      case messageTypeId.windowAcknowledgementSize: {
        const windowBytes = parseWindowAcknowledgementSize(message.payload);
        // 0 makes no sense and is sent nevertheless; it is taken as "no opinion".
        if (windowBytes > 0) this.#receiveWindow = Math.max(windowBytes, minAcknowledgementWindow);
        return undefined;
      }
      case messageTypeId.setPeerBandwidth:
        this.#handlePeerBandwidth(parseSetPeerBandwidth(message.payload));
        return undefined;
      case messageTypeId.userControl: {
        const control = parseUserControl(message.payload);
        if (control.event !== "ping-request") return control;
        this.sendUserControl({ event: "ping-response", timestamp: control.timestamp });
        return undefined;
      }
      default:
        return undefined; // Set Chunk Size and Abort were obeyed by the reader
    }
  }

  /** §5.4.5: a new limit is confirmed by announcing it as our window. */
  #handlePeerBandwidth(limit: SetPeerBandwidth): void {
    const last = this.#bandwidthLimit;
    let windowBytes = limit.windowBytes;
    if (limit.limitType === "soft" && last !== undefined) windowBytes = Math.min(windowBytes, last.windowBytes);
    if (limit.limitType === "dynamic") {
      if (last?.limitType !== "hard") return;
      this.#bandwidthLimit = { windowBytes, limitType: "hard" };
    } else {
      this.#bandwidthLimit = { windowBytes, limitType: limit.limitType };
    }
    if (windowBytes > 0 && windowBytes !== this.#sendWindow) this.sendWindow(windowBytes);
  }

  #sendControl(typeId: number, payload: Uint8Array): void {
    this.send(chunkStreamId.control, 0, typeId, 0, payload);
  }
}

function mediaChunkStreamId(typeId: number): number {
  if (typeId === messageTypeId.audio) return chunkStreamId.audio;
  return typeId === messageTypeId.video ? chunkStreamId.video : chunkStreamId.data;
}
