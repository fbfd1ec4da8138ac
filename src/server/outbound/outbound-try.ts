/** One try to reach somebody else, as the shard that carries it sees it. */

import type { RtpIdentity } from "../../bridges/rtsp-egress.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { TrackKind } from "../../kernel/frame.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Transport } from "../../runtime/transport.ts";
import type { PlayOptionsPair } from "../play-options.ts";
import type { OutboundEvent, OutboundReport } from "./calls.ts";

export interface OutboundTry {
  readonly report: OutboundReport;
  /** Called some times a second. */
  handleTime(nowMs: number): void;
  /** Ends it in order. */
  close(reason: string): void;
}

/** What all tries of a shard share. */
export interface OutboundContext {
  readonly streams: StreamAccess;
  readonly transport: Transport;
  readonly crypto: RtspCrypto;
  readonly playOptions: PlayOptionsPair;
  readonly identityOf: (stream: string, kind: TrackKind, number: number) => RtpIdentity;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Something that the peer did wrong; counted, and logged at most once a second. */
  readonly onProblem: (problem: CodedError, address: string, stream: string) => void;
  /** A mistake of ours. */
  readonly onFailure: (error: unknown) => void;
  readonly tell: (event: OutboundEvent) => void;
  /** The last thing that a try does. */
  readonly ended: (ended: OutboundTry, event: OutboundEvent) => void;
}
