/**
 * The handshake, RTMP 1.0 §5.2: C0 C1 C2 from the client, S0 S1 S2 from the server; simple, or with digests
 * (handshake-digest.ts) when the client's C1 has one.
 *
 * What the peer sends back in C2 (S2) is not judged: several encoders in use fill it with anything. Version 3 only.
 */

import { writeU32 } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTMP_VERSION } from "./errors.ts";
import {
  type DigestScheme,
  findDigest,
  handshakeBlockLength,
  type RtmpCrypto,
  signBlock,
  signReply,
} from "./handshake-digest.ts";

/** How the peer shook hands; undefined until its C1 (S1) is there. */
export type HandshakeKind = "simple" | `digest-${DigestScheme}`;

/** S0, S1 and S2 in answer to `c1`. */
export function writeServerReply(crypto: RtmpCrypto, c1: Uint8Array): { reply: Uint8Array; kind: HandshakeKind } {
  const reply = new Uint8Array(1 + 2 * handshakeBlockLength);
  reply[0] = rtmpVersion;
  const s1 = reply.subarray(1, 1 + handshakeBlockLength);
  const s2 = reply.subarray(1 + handshakeBlockLength);
  s1.set(crypto.randomBytes(handshakeBlockLength - 8), 8);
  // A version of 0 says "no digest" (§5.2.3), and saves such clients' two HMACs.
  const found = isZero(c1, 4) ? undefined : findDigest(crypto, c1, "client");
  if (found === undefined) {
    s2.set(c1);
    return { reply, kind: "simple" };
  }
  writeU32(s1, 4, serverVersion);
  signBlock(crypto, s1, found.scheme, "server");
  s2.set(crypto.randomBytes(handshakeBlockLength));
  signReply(crypto, s2, found.digest, "server");
  return { reply, kind: `digest-${found.scheme}` };
}

/** The server's side: takes C0, C1 and C2, gives S0, S1 and S2 after C1. */
export class ServerHandshake {
  readonly #crypto: RtmpCrypto;
  readonly #blocks = new BlockCollector();
  #stage: "c1" | "c2" | "done" = "c1";
  #output: Uint8Array | undefined;
  #kind: HandshakeKind | undefined;

  constructor(crypto: RtmpCrypto) {
    this.#crypto = crypto;
  }

  get isDone(): boolean {
    return this.#stage === "done";
  }

  get kind(): HandshakeKind | undefined {
    return this.#kind;
  }

  /** Takes what belongs to the handshake and returns how many bytes that was. Errors: ERR_RTMP_VERSION. */
  handle(bytes: Uint8Array): number {
    let used = 0;
    if (this.#stage === "c1") {
      used += this.#blocks.take(bytes, used, 1 + handshakeBlockLength);
      const block = this.#blocks.poll();
      if (block === undefined) return used;
      const { reply, kind } = writeServerReply(this.#crypto, block.subarray(1));
      this.#output = reply;
      this.#kind = kind;
      this.#stage = "c2";
    }
    if (this.#stage === "c2") {
      used += this.#blocks.skip(bytes, used, handshakeBlockLength);
      if (this.#blocks.isSkipped) this.#stage = "done";
    }
    return used;
  }

  pollOutput(): Uint8Array | undefined {
    const output = this.#output;
    this.#output = undefined;
    return output;
  }
}

/** The client's side: gives C0 and C1 at once, takes S0, S1 and S2, gives C2 after S1. */
export class ClientHandshake {
  readonly #crypto: RtmpCrypto;
  readonly #blocks = new BlockCollector();
  readonly #ownDigest: Uint8Array | undefined;
  #stage: "s1" | "s2" | "done" = "s1";
  #output: Uint8Array | undefined;
  #kind: HandshakeKind | undefined;

  /** With `scheme` C1 carries a digest; a server that does not know digests answers as to a simple one. */
  constructor(crypto: RtmpCrypto, scheme: DigestScheme | undefined) {
    this.#crypto = crypto;
    const output = new Uint8Array(1 + handshakeBlockLength);
    output[0] = rtmpVersion;
    const c1 = output.subarray(1);
    c1.set(crypto.randomBytes(handshakeBlockLength - 8), 8);
    if (scheme !== undefined) {
      writeU32(c1, 4, clientVersion);
      this.#ownDigest = signBlock(crypto, c1, scheme, "client").digest;
    }
    this.#output = output;
  }

  get isDone(): boolean {
    return this.#stage === "done";
  }

  get kind(): HandshakeKind | undefined {
    return this.#kind;
  }

  /** Takes what belongs to the handshake and returns how many bytes that was. Errors: ERR_RTMP_VERSION. */
  handle(bytes: Uint8Array): number {
    let used = 0;
    if (this.#stage === "s1") {
      used += this.#blocks.take(bytes, used, 1 + handshakeBlockLength);
      const block = this.#blocks.poll();
      if (block === undefined) return used;
      this.#answer(block.subarray(1));
      this.#stage = "s2";
    }
    if (this.#stage === "s2") {
      used += this.#blocks.skip(bytes, used, handshakeBlockLength);
      if (this.#blocks.isSkipped) this.#stage = "done";
    }
    return used;
  }

  pollOutput(): Uint8Array | undefined {
    const output = this.#output;
    this.#output = undefined;
    return output;
  }

  #answer(s1: Uint8Array): void {
    const found = this.#ownDigest === undefined ? undefined : findDigest(this.#crypto, s1, "server");
    if (found === undefined) {
      this.#output = s1.slice();
      this.#kind = "simple";
      return;
    }
    const c2 = new Uint8Array(handshakeBlockLength);
    c2.set(this.#crypto.randomBytes(handshakeBlockLength));
    signReply(this.#crypto, c2, found.digest, "client");
    this.#output = c2;
    this.#kind = `digest-${found.scheme}`;
  }
}

/** Joins the pieces of version byte and first block; of the second block only the length matters. */
class BlockCollector {
  #block: Uint8Array | undefined;
  #filled = 0;
  #skipped = 0;
  #skipLength = 0;

  get isSkipped(): boolean {
    return this.#skipped === this.#skipLength;
  }

  take(bytes: Uint8Array, at: number, length: number): number {
    if (at === bytes.length) return 0;
    if (this.#block === undefined) {
      requireVersion(bytes[at] as number);
      if (bytes.length - at >= length) {
        this.#block = bytes.subarray(at, at + length);
        this.#filled = length;
        return length;
      }
      // 1.5 KiB for each connection that sent one byte right: the handshake's deadline frees it.
      this.#block = new Uint8Array(length);
    }
    const count = Math.min(length - this.#filled, bytes.length - at);
    this.#block.set(bytes.subarray(at, at + count), this.#filled);
    this.#filled += count;
    return count;
  }

  /** The block when it is complete: perhaps a view of the bytes just given, so to be used at once. */
  poll(): Uint8Array | undefined {
    const block = this.#block;
    if (block === undefined || this.#filled < block.length) return undefined;
    this.#block = undefined;
    return block;
  }

  skip(bytes: Uint8Array, at: number, length: number): number {
    this.#skipLength = length;
    const count = Math.min(length - this.#skipped, bytes.length - at);
    this.#skipped += count;
    return count;
  }
}

function requireVersion(version: number): void {
  if (version === rtmpVersion) return;
  const what = version === 6 ? "RTMPE is not supported, use RTMPS" : "is this another protocol on the RTMP port?";
  throw new CodedError(ERR_RTMP_VERSION, `expected RTMP version 3, got ${version}: ${what}`);
}

function isZero(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0;
}

const rtmpVersion = 3;

/** FMS 4.5.0.1 and Flash Player 9.0.124.2: both ends look for digests from major version 3 on. */
const serverVersion = 0x0405_0001;
const clientVersion = 0x0900_7c02;
