/** WWW-Authenticate: RFC 2617 §3.2.1, RFC 7616 §3.3. One challenge in each header, or several in one behind commas. */

import type { DigestAlgorithm } from "../digest.ts";
import { quote, splitList, splitParameter } from "./parameters.ts";

export type RtspChallenge =
  | { readonly scheme: "basic"; readonly realm: string }
  | {
      readonly scheme: "digest";
      readonly realm: string;
      readonly nonce: string;
      /** MD5 when it is not said. */
      readonly algorithm: DigestAlgorithm;
      /** What comes back unchanged; undefined when there is none. */
      readonly opaque: string | undefined;
      /** Whether "auth" is offered. */
      readonly hasQop: boolean;
      readonly isStale: boolean;
    };

/** The challenges that we can answer, in order. Errors: ERR_RTSP_TOO_LONG. */
export function parseChallenges(values: readonly string[]): RtspChallenge[] {
  const challenges: RtspChallenge[] = [];
  for (const value of values) {
    let scheme = "";
    let parameters = new Map<string, string>();
    const finish = (): void => {
      const challenge = challengeOf(scheme, parameters);
      if (challenge !== undefined) challenges.push(challenge);
    };
    for (const item of splitList(value, ",")) {
      const begin = /^([A-Za-z][A-Za-z0-9-]*)(?:\s+(?!=)(.*))?$/s.exec(item);
      let parameter: string | undefined = item;
      if (begin !== null) {
        finish();
        scheme = (begin[1] as string).toLowerCase();
        parameters = new Map();
        parameter = begin[2];
      }
      if (parameter === undefined) continue;
      const { name, value: text } = splitParameter(parameter);
      if (text !== undefined) parameters.set(name, text);
    }
    finish();
  }
  return challenges;
}

/** live555 wants realm, nonce and stale in this order, and reads over what follows. */
export function writeChallenge(challenge: RtspChallenge): string {
  if (challenge.scheme === "basic") return `Basic realm=${quote(challenge.realm)}`;
  const { realm, nonce, algorithm, opaque, hasQop, isStale } = challenge;
  const parts = [`Digest realm=${quote(realm)}`, `nonce=${quote(nonce)}`];
  if (isStale) parts.push("stale=TRUE");
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  parts.push(`algorithm=${algorithm}`);
  if (hasQop) parts.push('qop="auth"');
  return parts.join(", ");
}

function challengeOf(scheme: string, parameters: ReadonlyMap<string, string>): RtspChallenge | undefined {
  const realm = parameters.get("realm");
  if (realm === undefined) return undefined;
  if (scheme === "basic") return { scheme: "basic", realm };
  const nonce = parameters.get("nonce");
  const algorithm = digestAlgorithm(parameters.get("algorithm"));
  if (scheme !== "digest" || nonce === undefined || algorithm === undefined) return undefined;
  const qops = parameters.get("qop")?.split(",");
  const hasQop = qops?.some((qop) => qop.trim().toLowerCase() === "auth") ?? false;
  // Only auth-int is offered: we could not answer that.
  if (qops !== undefined && !hasQop && parameters.get("qop") !== "") return undefined;
  const isStale = parameters.get("stale")?.toLowerCase() === "true";
  return { scheme: "digest", realm, nonce, algorithm, opaque: parameters.get("opaque"), hasQop, isStale };
}

/** Undefined: one that we do not know. */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  switch ((name ?? "").toUpperCase()) {
    case "":
    case "MD5":
      return "MD5";
    case "SHA-256":
    case "SHA256": // some cameras
      return "SHA-256";
    default:
      return undefined;
  }
}
