/** How what happened inside is told to an RTSP peer, which understands a status code only; the sentence goes into the log. */

import { ERR_CODEC_NOT_RECEIVABLE, ERR_NOTHING_TO_PUBLISH, ERR_TRACKS_CHANGED } from "../../bridges/errors.ts";
import {
  ERR_ENGINE_CLOSED,
  ERR_LIMIT_REACHED,
  ERR_MEMORY_LIMIT,
  ERR_NOT_AUTHORIZED,
  ERR_STREAM_BUSY,
  ERR_STREAM_NAME,
  ERR_STREAM_NOT_FOUND,
} from "../../kernel/errors.ts";
import type { RtspCredentials } from "../../protocols/rtsp/server-credentials.ts";
import { type RtspRejection, status } from "../../protocols/rtsp/status.ts";
import { ERR_INTERNAL } from "../errors.ts";

/** @param hasToken - there is a credential that would have helped */
export function rejectionOf(code: string, hasToken: boolean): RtspRejection {
  if (code === ERR_NOT_AUTHORIZED) return hasToken ? status.unauthorized : status.forbidden;
  return rejections.get(code) ?? status.badRequest;
}

/**
 * The query that access is decided by: credentials whose password is the token count as `?token=…` in the address. Users there are
 * none, so the name is not looked at.
 */
export function accessQueryOf(query: string, credentials: RtspCredentials | undefined, token: string): string {
  if (credentials === undefined || token === "") return query;
  const password =
    credentials.scheme === "basic" ? credentials.password : credentials.isPassword(token) ? token : wrongPassword;
  const parameters = new URLSearchParams(query);
  // A wrong password does not take the right token's place.
  if (password !== token && parameters.has("token")) return query;
  parameters.set("token", password);
  return parameters.toString();
}

/** Some text, so that a credential was given; none that a token could be: they have no blanks. */
const wrongPassword = "not the password";

const rejections: ReadonlyMap<string, RtspRejection> = new Map([
  [ERR_STREAM_NOT_FOUND, status.notFound],
  [ERR_STREAM_NAME, status.badRequest],
  [ERR_STREAM_BUSY, status.forbidden],
  [ERR_LIMIT_REACHED, status.serviceUnavailable],
  [ERR_MEMORY_LIMIT, status.serviceUnavailable],
  [ERR_ENGINE_CLOSED, status.serviceUnavailable],
  [ERR_CODEC_NOT_RECEIVABLE, status.notAcceptable],
  [ERR_TRACKS_CHANGED, status.methodNotValidInThisState],
  [ERR_NOTHING_TO_PUBLISH, status.unsupportedMediaType],
  [ERR_INTERNAL, status.internalServerError],
]);
