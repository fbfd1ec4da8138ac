/**
 * Asks for credentials and checks what does not need the password: RFC 7616, RFC 2617, RFC 2069.
 *
 * SHA-256 comes first and MD5 last: clients that know one algorithm only (FFmpeg, GStreamer, live555) take the last challenge.
 * MD5 is offered without qop, as those clients expect. Nonces are good on the connection that got them, for a minute, so an
 * Authorization that somebody has overheard is of no use elsewhere; with qop its count is checked besides.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { equalBytes } from "../../bytes/equal-bytes.ts";
import { attempt } from "./attempt.ts";
import { type DigestAlgorithm, digestResponse, type RtspCrypto, writeHex } from "./digest.ts";
import { ERR_RTSP_CREDENTIALS } from "./errors.ts";
import * as limits from "./limits.ts";
import { type RtspChallenge, writeChallenge } from "./message/authenticate.ts";
import { parseAuthorization, type RtspAuthorization } from "./message/authorization.ts";
import type { RtspHeader } from "./message/headers.ts";
import type { RtspRequest } from "./message/message.ts";
import { parseRequestTarget } from "./url.ts";

/** What the driver decides by. */
export type RtspCredentials =
  | { readonly scheme: "basic"; readonly username: string; readonly password: string }
  | {
      readonly scheme: "digest";
      readonly username: string;
      readonly algorithm: DigestAlgorithm;
      /** Whether the response was made with this password. */
      isPassword(password: string): boolean;
    };

export type CredentialsVerdict =
  | { readonly kind: "credentials"; readonly credentials: RtspCredentials | undefined }
  /** Right in form, but for a nonce that is no longer good: the client may try again without asking anybody. */
  | { readonly kind: "stale" }
  | { readonly kind: "refused" };

interface Nonce {
  readonly text: string;
  readonly issuedAt: number;
  /** The highest count so far; a lower one is a replay. */
  count: number;
}

export class ServerCredentials {
  readonly #crypto: RtspCrypto;
  readonly #isTls: boolean;
  readonly #realm: string;
  readonly #nonces: Nonce[] = [];
  #refusedCount = 0;

  constructor(crypto: RtspCrypto, isTls: boolean, realm: string) {
    this.#crypto = crypto;
    this.#isTls = isTls;
    this.#realm = realm;
  }

  /** The challenges of a 401. */
  challenge(isStale: boolean, now: number): RtspHeader[] {
    const nonce = writeHex(this.#crypto.randomBytes(nonceLength));
    this.#nonces.push({ text: nonce, issuedAt: now, count: 0 });
    if (this.#nonces.length > limits.maxNonces) this.#nonces.shift();
    const digest = { scheme: "digest", realm: this.#realm, nonce, opaque: undefined, isStale } as const;
    const challenges: RtspChallenge[] = [
      { ...digest, algorithm: "SHA-256", hasQop: true },
      { ...digest, algorithm: "MD5", hasQop: false },
    ];
    if (this.#isTls) challenges.push({ scheme: "basic", realm: this.#realm });
    return challenges.map((each) => ["WWW-Authenticate", writeChallenge(each)] as const);
  }

  /** Counts a 401 that answers credentials. Errors: ERR_RTSP_CREDENTIALS. */
  countRefused(): void {
    this.#refusedCount += 1;
    if (this.#refusedCount > limits.maxRefusedCredentials) {
      throw new CodedError(ERR_RTSP_CREDENTIALS, "expected the right password within ten attempts");
    }
  }

  check(request: RtspRequest, now: number): CredentialsVerdict {
    const [value, ...others] = request.headers.getAll("authorization");
    if (value === undefined) return { kind: "credentials", credentials: undefined };
    if (others.length > 0) return { kind: "refused" };
    const parsed = attempt(() => ({ authorization: parseAuthorization(value) }));
    if (parsed === undefined) return { kind: "refused" };
    const { authorization } = parsed;
    if (authorization === undefined) return { kind: "credentials", credentials: undefined };
    if (authorization.scheme === "basic") {
      return { kind: "credentials", credentials: this.#isTls ? authorization : undefined };
    }
    return this.#checkDigest(request, authorization, now);
  }

  #checkDigest(
    request: RtspRequest,
    authorization: RtspAuthorization & { readonly scheme: "digest" },
    now: number,
  ): CredentialsVerdict {
    const { realm, uri, qop, username, algorithm } = authorization;
    if (realm !== this.#realm || !isUriOf(uri, request)) return { kind: "refused" };
    const nonce = this.#nonces.find(({ text }) => text === authorization.nonce);
    if (nonce === undefined || now - nonce.issuedAt > limits.nonceLifetimeMs) return { kind: "stale" };
    if (qop !== undefined) {
      const count = Number.parseInt(qop.nonceCount, 16);
      if (count <= nonce.count) return { kind: "stale" };
      nonce.count = count;
    }
    const isPassword = (password: string): boolean => {
      const expected = digestResponse(this.#crypto, { ...authorization, method: request.method }, password);
      return equalText(expected, authorization.response);
    };
    return { kind: "credentials", credentials: { scheme: "digest", username, algorithm, isPassword } };
  }
}

/**
 * Whether a Digest was made for this request. Written as a path or with another host it still is, and so it is with the
 * presentation's address for one of its tracks, which VLC sends.
 */
function isUriOf(uri: string, request: RtspRequest): boolean {
  if (uri === request.url) return true;
  const made = attempt(() => parseRequestTarget(uri));
  const asked = parseRequestTarget(request.url);
  if (made?.path === asked.path) return made.query === asked.query;
  return made !== undefined && request.method === "SETUP" && asked.path.startsWith(`${made.path}/`);
}

function equalText(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  return equalBytes(encoder.encode(a), encoder.encode(b));
}

const nonceLength = 16;
