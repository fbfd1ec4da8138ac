/** Answers challenges: RFC 7616, RFC 2617, RFC 2069. SHA-256 before MD5 before Basic, whatever the server's order is. */

import { digestResponse, type RtspCrypto, writeHex } from "./digest.ts";
import { parseChallenges, type RtspChallenge } from "./message/authenticate.ts";
import { writeAuthorization } from "./message/authorization.ts";
import type { RtspHeader } from "./message/headers.ts";

export class ClientCredentials {
  readonly #crypto: RtspCrypto;
  readonly #username: string | undefined;
  readonly #password: string;
  readonly #allowsBasic: boolean;
  #challenge: RtspChallenge | undefined;
  #nonceCount = 0;

  constructor(crypto: RtspCrypto, username: string | undefined, password: string, allowsBasic: boolean) {
    this.#crypto = crypto;
    this.#username = username;
    this.#password = password;
    this.#allowsBasic = allowsBasic;
  }

  get isKnown(): boolean {
    return this.#username !== undefined;
  }

  /**
   * Takes the WWW-Authenticate headers of a 401. False: there is none that we can answer, or it is the one that was answered
   * just now, so the password is wrong.
   */
  handleChallenges(values: readonly string[], wasAnswered: boolean): boolean {
    const challenges = parseChallenges(values);
    const best =
      challenges.find((each) => each.scheme === "digest" && each.algorithm === "SHA-256") ??
      challenges.find((each) => each.scheme === "digest") ??
      (this.#allowsBasic ? challenges.find((each) => each.scheme === "basic") : undefined);
    if (best === undefined || this.#username === undefined) return false;
    const isSame = best.scheme === "basic" || (nonceOf(best) === nonceOf(this.#challenge) && !best.isStale);
    if (wasAnswered && isSame) return false;
    this.#challenge = best;
    this.#nonceCount = 0;
    return true;
  }

  /** The Authorization of the next request; nothing before the first challenge. */
  headersFor(method: string, uri: string): RtspHeader[] {
    const challenge = this.#challenge;
    const username = this.#username;
    if (challenge === undefined || username === undefined) return [];
    if (challenge.scheme === "basic") {
      return [["Authorization", writeAuthorization({ scheme: "basic", username, password: this.#password })]];
    }
    const { realm, nonce, algorithm, opaque, hasQop } = challenge;
    this.#nonceCount += 1;
    const qop = hasQop
      ? {
          nonceCount: this.#nonceCount.toString(16).padStart(8, "0"),
          clientNonce: writeHex(this.#crypto.randomBytes(clientNonceLength)),
        }
      : undefined;
    const input = { algorithm, username, realm, nonce, uri, qop };
    const response = digestResponse(this.#crypto, { ...input, method }, this.#password);
    return [["Authorization", writeAuthorization({ scheme: "digest", ...input, response, opaque })]];
  }
}

function nonceOf(challenge: RtspChallenge | undefined): string | undefined {
  return challenge?.scheme === "digest" ? challenge.nonce : undefined;
}

const clientNonceLength = 8;
