/** The one door for publishers and players of every protocol: names are checked, access is decided, and both go on record. */

import { CodedError } from "../bytes/coded-error.ts";
import { ERR_ENGINE_CLOSED, ERR_NOT_AUTHORIZED } from "./errors.ts";
import type { AccessDecision, AccessRequest, AuditRecord, EngineServices, StreamAction } from "./services.ts";
import { parseStreamName } from "./stream-name.ts";

/** Who comes in: the same for publishers and subscribers. */
export interface PeerRequest {
  /** `app/name`, unchecked, as the peer wrote it (without a leading slash). */
  readonly name: string;
  readonly protocol: string;
  readonly address?: string;
  readonly query?: string;
}

/** Counts that only grow. */
export interface GateCounters {
  deniedCount: number;
  refusedCount: number;
  /** Throws of injected services that were caught. */
  serviceFailureCount: number;
}

export class Gate {
  readonly counters: GateCounters = { deniedCount: 0, refusedCount: 0, serviceFailureCount: 0 };
  readonly #services: Pick<EngineServices, "clock" | "authenticator" | "auditSink">;
  #isClosed = false;

  constructor(services: Pick<EngineServices, "clock" | "authenticator" | "auditSink">) {
    this.#services = services;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** @throws `ERR_STREAM_NAME`, `ERR_NOT_AUTHORIZED`, `ERR_ENGINE_CLOSED` */
  async admit(action: StreamAction, request: PeerRequest): Promise<AccessRequest> {
    this.checkOpen();
    const { protocol, address = "", query = "" } = request;
    const access: AccessRequest = { action, stream: parseStreamName(request.name), protocol, address, query };
    const decision = await this.#authorize(access);
    if (!decision.isAllowed) {
      this.counters.deniedCount++;
      this.#audit(access, "denied", ERR_NOT_AUTHORIZED);
      throw new CodedError(ERR_NOT_AUTHORIZED, decision.reason);
    }
    this.checkOpen();
    return access;
  }

  /** Runs what was allowed; a refusal (busy, limit, not found) is on record as well. */
  decide<Result>(access: AccessRequest, work: () => Result): Result {
    try {
      const result = work();
      this.#audit(access, "allowed");
      return result;
    } catch (error) {
      this.counters.refusedCount++;
      this.#audit(access, "refused", error instanceof CodedError ? error.code : undefined);
      throw error;
    }
  }

  checkOpen(): void {
    if (this.#isClosed) throw new CodedError(ERR_ENGINE_CLOSED, "the server is shutting down");
  }

  /** An authenticator that fails has not said yes. */
  async #authorize(access: AccessRequest): Promise<AccessDecision> {
    try {
      const decision = await this.#services.authenticator.authorize(access);
      // Not trusted to be what its type says: all that is not exactly a yes is a no.
      return decision.isAllowed === true ? decision : { isAllowed: false, reason: decision.reason };
    } catch {
      this.counters.serviceFailureCount++;
      return { isAllowed: false, reason: "access could not be decided" };
    }
  }

  #audit({ action, stream, protocol, address }: AccessRequest, outcome: AuditRecord["outcome"], code?: string): void {
    const record = { atMs: this.#services.clock.wallMs(), action, stream: stream.key, protocol, address, outcome };
    try {
      this.#services.auditSink.record({ ...record, ...(code === undefined ? {} : { code }) });
    } catch {
      this.counters.serviceFailureCount++;
    }
  }
}
