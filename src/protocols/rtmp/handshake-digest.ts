/**
 * The digests of the "complex" handshake. No specification has them: they are what Flash Player 9 and later, librtmp, nginx-rtmp
 * and FFmpeg do.
 *
 * C1 and S1 carry an HMAC-SHA256 of themselves at a place that other bytes of theirs name. There are two layouts:
 * scheme 0 names it at byte 8, scheme 1 at byte 772. C2 and S2 end in an HMAC keyed with the digest that they answer.
 */

/** What the handshake needs from outside. */
export interface RtmpCrypto {
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  randomBytes(length: number): Uint8Array;
}

export type DigestScheme = 0 | 1;

export interface FoundDigest {
  readonly scheme: DigestScheme;
  readonly offset: number;
  /** A copy, 32 bytes. */
  readonly digest: Uint8Array;
}

/** C1, S1, C2 and S2 have the same length. */
export const handshakeBlockLength = 1536;
const digestLength = 32;

/** Which end wrote a block: each signs with its own key. */
export type HandshakeSide = "client" | "server";

/** The digest of C1 or S1, when one of the two schemes fits. */
export function findDigest(crypto: RtmpCrypto, block: Uint8Array, writer: HandshakeSide): FoundDigest | undefined {
  for (const scheme of schemes) {
    const offset = digestOffset(block, scheme);
    const digest = blockDigest(crypto, block, offset, writer);
    if (isEqual(digest, block.subarray(offset, offset + digestLength))) return { scheme, offset, digest };
  }
  return undefined;
}

/** Writes the digest into C1 or S1 and returns it. The rest of `block` must have its final bytes. */
export function signBlock(
  crypto: RtmpCrypto,
  block: Uint8Array,
  scheme: DigestScheme,
  writer: HandshakeSide,
): FoundDigest {
  const offset = digestOffset(block, scheme);
  const digest = blockDigest(crypto, block, offset, writer);
  block.set(digest, offset);
  return { scheme, offset, digest };
}

/** Writes the last 32 bytes of C2 or S2, which answers the block with `peerDigest`. */
export function signReply(crypto: RtmpCrypto, block: Uint8Array, peerDigest: Uint8Array, writer: HandshakeSide): void {
  block.set(replyDigest(crypto, block, peerDigest, writer), handshakeBlockLength - digestLength);
}

function replyDigest(crypto: RtmpCrypto, block: Uint8Array, answered: Uint8Array, writer: HandshakeSide): Uint8Array {
  const key = crypto.hmacSha256(keys[writer], answered);
  return crypto.hmacSha256(key, block.subarray(0, handshakeBlockLength - digestLength));
}

function digestOffset(block: Uint8Array, scheme: DigestScheme): number {
  const at = scheme === 0 ? 8 : 772;
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += block[at + i] as number;
  return at + 4 + (sum % 728);
}

function blockDigest(crypto: RtmpCrypto, block: Uint8Array, offset: number, writer: HandshakeSide): Uint8Array {
  const rest = new Uint8Array(handshakeBlockLength - digestLength);
  rest.set(block.subarray(0, offset));
  rest.set(block.subarray(offset + digestLength, handshakeBlockLength), offset);
  return crypto.hmacSha256(keys[writer].subarray(0, publicKeyLengths[writer]), rest);
}

/** Not in constant time: both keys are public, the digest proves nothing about the peer. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < digestLength; i++) if (a[i] !== b[i]) return false;
  return true;
}

const schemes: readonly DigestScheme[] = [0, 1];

/** C1 and S1 are signed with the text alone, C2 and S2 with all of it. */
const publicKeyLengths: Record<HandshakeSide, number> = { client: 30, server: 36 };

const keySuffix = [
  0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d,
  0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];

const keys: Record<HandshakeSide, Uint8Array> = {
  client: Uint8Array.from([...new TextEncoder().encode("Genuine Adobe Flash Player 001"), ...keySuffix]),
  server: Uint8Array.from([...new TextEncoder().encode("Genuine Adobe Flash Media Server 001"), ...keySuffix]),
};
