/** Authorization: RFC 2617 §2 and §3.2.2, RFC 7616 §3.4. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { Base64Reader, writeBase64 } from "../base64.ts";
import type { DigestInput } from "../digest.ts";
import { ERR_RTSP_HEADER } from "../errors.ts";
import { digestAlgorithm } from "./authenticate.ts";
import { quote, splitList, splitParameter } from "./parameters.ts";

export type RtspAuthorization =
  | { readonly scheme: "basic"; readonly username: string; readonly password: string }
  | ({ readonly scheme: "digest"; readonly response: string; readonly opaque: string | undefined } & Omit<
      DigestInput,
      "method"
    >);

/** Undefined: a scheme that we do not know. Errors, which never repeat the value: ERR_RTSP_HEADER, ERR_RTSP_TOO_LONG. */
export function parseAuthorization(value: string): RtspAuthorization | undefined {
  const match = /^([A-Za-z]+)\s+(.*)$/s.exec(value);
  if (match === null) throw malformed("a scheme and credentials");
  const [, scheme = "", rest = ""] = match;
  switch (scheme.toLowerCase()) {
    case "basic":
      return parseBasic(rest);
    case "digest":
      return parseDigest(rest);
    default:
      return undefined;
  }
}

export function writeAuthorization(authorization: RtspAuthorization): string {
  if (authorization.scheme === "basic") {
    const { username, password } = authorization;
    return `Basic ${writeBase64(new TextEncoder().encode(`${username}:${password}`))}`;
  }
  const { username, realm, nonce, uri, response, algorithm, opaque, qop } = authorization;
  const parts = [
    `Digest username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response=${quote(response)}`,
  ];
  // MD5 is the default, and some cameras stumble over it when it is written.
  if (algorithm !== "MD5") parts.push(`algorithm=${algorithm}`);
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  if (qop !== undefined) parts.push("qop=auth", `nc=${qop.nonceCount}`, `cnonce=${quote(qop.clientNonce)}`);
  return parts.join(", ");
}

function parseBasic(text: string): RtspAuthorization {
  let plain: string;
  try {
    plain = new TextDecoder("utf-8", { fatal: true }).decode(new Base64Reader().read(new TextEncoder().encode(text)));
  } catch {
    throw malformed("base64 of user:password");
  }
  const colon = plain.indexOf(":");
  if (colon < 0) throw malformed("base64 of user:password");
  return { scheme: "basic", username: plain.slice(0, colon), password: plain.slice(colon + 1) };
}

function parseDigest(text: string): RtspAuthorization | undefined {
  const parameters = new Map<string, string>();
  for (const item of splitList(text, ",")) {
    const { name, value } = splitParameter(item);
    if (value === undefined || parameters.has(name)) throw malformed("each parameter once, with a value");
    parameters.set(name, value);
  }
  const required = (name: string): string => {
    const found = parameters.get(name);
    if (found === undefined) throw malformed(`the parameter ${name}`);
    return found;
  };
  const algorithm = digestAlgorithm(parameters.get("algorithm"));
  if (algorithm === undefined) return undefined;
  const qopName = parameters.get("qop");
  if (qopName !== undefined && qopName !== "auth") throw malformed("qop=auth, or none");
  const response = required("response").toLowerCase();
  if (!/^[0-9a-f]{32,64}$/.test(response)) throw malformed("a response in hex digits");
  return {
    scheme: "digest",
    username: required("username"),
    realm: required("realm"),
    nonce: required("nonce"),
    uri: required("uri"),
    response,
    algorithm,
    opaque: parameters.get("opaque"),
    qop:
      qopName === undefined ? undefined : { nonceCount: nonceCount(required("nc")), clientNonce: required("cnonce") },
  };
}

function nonceCount(text: string): string {
  if (!/^[0-9a-fA-F]{8}$/.test(text)) throw malformed("nc in eight hex digits");
  return text;
}

function malformed(what: string): CodedError {
  return new CodedError(ERR_RTSP_HEADER, `expected ${what} in Authorization`);
}
