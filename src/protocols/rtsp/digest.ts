/**
 * The response of Digest authentication: RFC 7616 §3.4, and without qop RFC 2069 §2.4, which most cameras, live555 and GStreamer
 * use. Hash functions and random numbers come from above: there is no node: here.
 */

export interface RtspCrypto {
  randomBytes(length: number): Uint8Array;
  md5(data: Uint8Array): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
}

export type DigestAlgorithm = "MD5" | "SHA-256";

/** What a response is made of, besides the password. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  /** Undefined: the form of RFC 2069. */
  readonly qop?: { readonly nonceCount: string; readonly clientNonce: string } | undefined;
}

/** In lower-case hex digits. */
export function digestResponse(crypto: RtspCrypto, input: DigestInput, password: string): string {
  const { username, realm, nonce, method, uri, qop } = input;
  const hash = (text: string): string => {
    const data = new TextEncoder().encode(text);
    return writeHex(input.algorithm === "MD5" ? crypto.md5(data) : crypto.sha256(data));
  };
  const secret = hash(`${username}:${realm}:${password}`);
  const request = hash(`${method}:${uri}`);
  if (qop === undefined) return hash(`${secret}:${nonce}:${request}`);
  return hash(`${secret}:${nonce}:${qop.nonceCount}:${qop.clientNonce}:auth:${request}`);
}

export function writeHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
