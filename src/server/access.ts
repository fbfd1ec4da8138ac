/**
 * Who may publish and play: the rules of `[access]`, asked by the engine for every protocol alike, on the canonical name.
 *
 * Without a configuration file media may be played by anyone who reaches the port, and published from this machine only.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { AccessDecision, AccessRequest, Authenticator } from "../kernel/services.ts";
import type { Config } from "./config/schema.ts";
import { pullProtocol, pushProtocol } from "./outbound/calls.ts";

export class ConfiguredAccess implements Authenticator {
  readonly #access: Config["access"];

  constructor(access: Config["access"]) {
    this.#access = access;
  }

  authorize(request: AccessRequest): AccessDecision {
    // The server itself, because its configuration says so. No peer chooses the name of its protocol.
    if (request.protocol === pullProtocol || request.protocol === pushProtocol) return allowed;
    const isPublish = request.action === "publish";
    const rule = isPublish ? this.#access.publish : this.#access.play;
    const token = isPublish ? this.#access.publishToken : this.#access.playToken;
    if (rule === "anyone") return allowed;
    if (rule === "loopback" && isLoopback(request.address)) return allowed;
    const given = new URLSearchParams(request.query).get("token");
    if (token !== "" && given !== null && isEqualSecret(given, token)) return allowed;
    const verb = isPublish ? "publishing" : "playing";
    const option = isPublish ? "access.publish_token" : "access.play_token";
    const reason =
      given === null
        ? `${verb} from ${request.address} needs a credential: add ?token=… to the address (the server's ${option})`
        : `the token given for ${verb} is not the one of ${option}`;
    return { isAllowed: false, reason };
  }

  /** Whether this peer may see statistics and management pages. */
  mayManage(address: string): boolean {
    return this.#access.management === "anyone" || isLoopback(address);
  }
}

/** 127.0.0.0/8 and ::1, as the transport writes addresses. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}

/** Compares in constant time; hashing first makes the lengths equal. */
function isEqualSecret(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

const allowed: AccessDecision = { isAllowed: true };
