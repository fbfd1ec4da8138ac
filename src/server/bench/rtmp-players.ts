/**
 * RTMP players. The client session joins as every player does, one round trip after the other; when media has begun it is let go,
 * and only the scanner stays.
 */

import { randomBytes } from "node:crypto";
import { CodedError } from "../../bytes/coded-error.ts";
import { amfObject, amfString } from "../../formats/amf/amf-value.ts";
import { chunkStreamId, writeMessage } from "../../protocols/rtmp/chunk-writer.ts";
import { RtmpClientSession } from "../../protocols/rtmp/client-session.ts";
import { defaultChunkSize } from "../../protocols/rtmp/limits.ts";
import { defaultWindowBytes } from "../../protocols/rtmp/link.ts";
import { writeAcknowledgement } from "../../protocols/rtmp/message/acknowledgement.ts";
import { parseCommand } from "../../protocols/rtmp/message/command.ts";
import { messageTypeId } from "../../protocols/rtmp/message/message-type.ts";
import { parseUserControl, writeUserControl } from "../../protocols/rtmp/message/user-control.ts";
import { parseWindowAcknowledgementSize } from "../../protocols/rtmp/message/window-acknowledgement-size.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_BENCH_CLOSED } from "./errors.ts";
import type { MediaChecks } from "./media-checks.ts";
import type { PlayerProtocol, PlayerProtocols } from "./player-protocol.ts";
import { RtmpScanner } from "./rtmp-scanner.ts";

export class RtmpPlayers implements PlayerProtocols {
  readonly #url: string;
  readonly #checks: MediaChecks;
  readonly #scanner: RtmpScanner;
  readonly #players: (RtmpPlayer | undefined)[] = [];

  constructor(url: string, playerCount: number, checks: MediaChecks) {
    this.#url = url;
    this.#checks = checks;
    this.#scanner = new RtmpScanner(playerCount, checks, (player, typeId, payload) =>
      this.#players[player]?.handleMessage(typeId, payload),
    );
  }

  start(player: number, connection: Connection, nowMs: number): PlayerProtocol {
    this.#scanner.reset(player);
    const created = new RtmpPlayer(player, connection, this.#url, this.#scanner, this.#checks, nowMs);
    this.#players[player] = created;
    return created;
  }
}

class RtmpPlayer implements PlayerProtocol {
  readonly #player: number;
  readonly #connection: Connection;
  readonly #scanner: RtmpScanner;
  readonly #checks: MediaChecks;
  /** Until media has begun. */
  #session: RtmpClientSession | undefined;
  #handshakeLeft = handshakeReplyBytes;
  #windowBytes = defaultWindowBytes;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;

  constructor(
    player: number,
    connection: Connection,
    url: string,
    scanner: RtmpScanner,
    checks: MediaChecks,
    nowMs: number,
  ) {
    this.#player = player;
    this.#connection = connection;
    this.#scanner = scanner;
    this.#checks = checks;
    this.#session = new RtmpClientSession({ crypto: simpleHandshake, url, role: "play" }, nowMs);
    this.#drain(this.#session);
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    this.#receivedBytes += bytes.length;
    const skipped = Math.min(this.#handshakeLeft, bytes.length);
    this.#handshakeLeft -= skipped;
    const session = this.#session;
    if (session === undefined) {
      this.#scanner.scan(this.#player, bytes, 0, bytes.length, nowMs);
      if (this.#receivedBytes - this.#acknowledgedBytes >= this.#windowBytes / 2) this.#acknowledge();
      return;
    }
    session.handle(bytes, nowMs);
    this.#drain(session);
    this.#scanner.scan(this.#player, bytes, skipped, bytes.length, nowMs);
    if (session.isReady && this.#checks.firstMediaAtMs[this.#player] !== 0) this.#session = undefined;
  }

  /** Whatever is not media. While there is a session, that is its business, but for the window, which outlives it. */
  handleMessage(typeId: number, payload: Uint8Array): void {
    if (typeId === messageTypeId.windowAcknowledgementSize) {
      const windowBytes = parseWindowAcknowledgementSize(payload);
      if (windowBytes > 0) this.#windowBytes = windowBytes;
    }
    if (this.#session !== undefined) return;
    if (typeId === messageTypeId.userControl) {
      const control = parseUserControl(payload);
      if (control.event === "ping-request") {
        const answer = writeUserControl({ event: "ping-response", timestamp: control.timestamp });
        this.#sendControl(messageTypeId.userControl, answer);
      }
    } else if (typeId === messageTypeId.commandAmf0 || typeId === messageTypeId.commandAmf3) {
      const { name, arguments: values } = parseCommand(typeId, payload);
      const code = amfString(amfObject(values[0])?.fields.get("code")) ?? name;
      if (endCodes.has(code)) throw new CodedError(ERR_BENCH_CLOSED, `the server said ${code}`);
    }
  }

  #drain(session: RtmpClientSession): void {
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
      if (event.type === "closed" && event.error !== undefined) throw event.error;
    }
    const output = session.pollOutput();
    if (output !== undefined) this.#connection.send(output);
  }

  #acknowledge(): void {
    this.#acknowledgedBytes = this.#receivedBytes;
    this.#sendControl(messageTypeId.acknowledgement, writeAcknowledgement(this.#receivedBytes));
  }

  #sendControl(typeId: number, payload: Uint8Array): void {
    this.#connection.send(writeMessage(chunkStreamId.control, 0, typeId, 0, payload, defaultChunkSize));
  }
}

/** For clients whose C1 carries no digest. */
export const simpleHandshake = {
  hmacSha256: (): Uint8Array => new Uint8Array(32),
  randomBytes: (length: number): Uint8Array => randomBytes(length),
};

/** S0, S1 and S2. */
const handshakeReplyBytes: number = 1 + 2 * 1536;

/** A live stream has ended, or this player's part of it. */
const endCodes: ReadonlySet<string> = new Set([
  "NetStream.Play.UnpublishNotify",
  "NetStream.Play.Stop",
  "NetStream.Play.Complete",
  "NetStream.Failed",
  "NetConnection.Connect.Closed",
]);
