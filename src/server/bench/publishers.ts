/**
 * Publishers of the synthetic stream, one or thousands. The bytes of a frame are made once for all that publish it: many publishers
 * are parted into groups, whose key frames are spread over the GOP as those of strangers would be.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import type { Connection, ConnectionHandler, Transport } from "../../runtime/transport.ts";
import { ERR_BENCH_CLOSED, ERR_BENCH_TIMEOUT } from "./errors.ts";
import { FailureCounts } from "./failure-counts.ts";
import { Histogram } from "./histogram.ts";
import { joinTimeoutMs } from "./limits.ts";
import type { LocalAddresses } from "./local-addresses.ts";
import type { PublishedFrames, PublisherProtocol, PublisherSession } from "./publisher-protocol.ts";
import { pictureMs, picturesPerGop, soundMs } from "./synthetic-stream.ts";

export interface PublishersOptions {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  readonly localAddresses: LocalAddresses;
  readonly protocol: PublisherProtocol;
  /** How many there will be: one publishes at once, many wait for the group that is about to begin a GOP. */
  readonly publisherCount: number;
}

export class Publishers {
  readonly failures: FailureCounts = new FailureCounts();
  /** From connect() until the publish was accepted. */
  readonly joinTimes: Histogram = new Histogram();
  readonly #options: PublishersOptions;
  readonly #groups: Group[];
  readonly #all = new Set<Publisher>();
  #timer: NodeJS.Timeout | undefined;
  #sweptAtMs = 0;
  #acceptedCount = 0;
  #latestMs = 0;
  #isStopped = false;

  constructor(options: PublishersOptions) {
    this.#options = options;
    const groupCount = options.publisherCount === 1 ? 1 : picturesPerGop;
    this.#groups = Array.from({ length: groupCount }, (_, number) => ({
      gopOffset: Math.floor((number * picturesPerGop) / groupCount),
      delayMs: (number * pictureMs) / groupCount,
      pictureCount: 0,
      soundCount: 0,
      frames: options.protocol.openFrames(),
      members: new Set(),
    }));
  }

  /** Accepted and still there. */
  get publishingCount(): number {
    return this.#acceptedCount;
  }

  get joiningCount(): number {
    return this.#all.size - this.#acceptedCount;
  }

  /** How late the latest frame was sent: the generator's own doing. */
  get latestMs(): number {
    return this.#latestMs;
  }

  clearLateness(): void {
    this.#latestMs = 0;
  }

  /** Begins to publish to `url`. */
  open(url: string): void {
    const { transport, host, port, localAddresses } = this.#options;
    const localAddress = localAddresses.next();
    const from = localAddress === undefined ? {} : { localAddress };
    transport.connect({ host, port, ...from }, (connection) => {
      const publisher = new Publisher(this, connection, this.#options.protocol.openSession(url, performance.now()));
      this.#all.add(publisher);
      return publisher;
    });
  }

  /** Looks for publishers that wait to be accepted for too long; about once a second. */
  sweep(): void {
    const latestMs = performance.now() - joinTimeoutMs;
    for (const publisher of this.#all) {
      if (publisher.group !== undefined || publisher.startedAtMs > latestMs) continue;
      publisher.fail(new CodedError(ERR_BENCH_TIMEOUT, `not accepted within ${joinTimeoutMs / 1000} s`));
    }
  }

  /** Ends all of them in order. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const publisher of this.#all) publisher.stop();
  }

  // For the publishers.

  accepted(publisher: Publisher, address: number): void {
    this.joinTimes.add(performance.now() - publisher.startedAtMs);
    this.#acceptedCount++;
    publisher.address = address;
    publisher.group = this.#nextToBegin();
    publisher.group.members.add(publisher);
    this.#startClock();
  }

  closed(publisher: Publisher, errorName: string | undefined): void {
    if (!this.#all.delete(publisher)) return;
    if (publisher.group !== undefined) {
      this.#acceptedCount--;
      publisher.group.members.delete(publisher);
    }
    if (this.#isStopped || publisher.hasFailed) return;
    const when = publisher.group === undefined ? "before it was accepted" : "while it published";
    if (errorName === undefined) this.failures.add(ERR_BENCH_CLOSED, `the server closed a publisher ${when}`);
    else this.failures.add(errorName, `the system said ${errorName} of a publisher ${when}`);
  }

  /** The group whose next picture but few is a key frame. */
  #nextToBegin(): Group {
    let best = this.#groups[0] as Group;
    for (const group of this.#groups) if (picturesToKey(group) < picturesToKey(best)) best = group;
    return best;
  }

  #startClock(): void {
    if (this.#timer !== undefined) return;
    const startMs = performance.now();
    const tick = (): void => {
      const nowMs = performance.now();
      let nextMs = Number.POSITIVE_INFINITY;
      if (nowMs - this.#sweptAtMs >= sweepIntervalMs) {
        this.#sweptAtMs = nowMs;
        for (const publisher of this.#all) publisher.handleTime(nowMs);
      }
      for (const group of this.#groups) nextMs = Math.min(nextMs, this.#sendDue(group, startMs, nowMs));
      this.#timer = setTimeout(tick, Math.max(1, nextMs - performance.now()));
    };
    this.#timer = setTimeout(tick, 0);
  }

  /** Sends what is due of a group, and says when more is. */
  #sendDue(group: Group, startMs: number, nowMs: number): number {
    const beganMs = startMs + group.delayMs;
    for (;;) {
      const pictureDueMs = group.pictureCount * pictureMs;
      const soundDueMs = group.soundCount * soundMs;
      const dueMs = Math.min(pictureDueMs, soundDueMs);
      if (beganMs + dueMs > nowMs) return beganMs + dueMs;
      if (group.members.size > 0) this.#latestMs = Math.max(this.#latestMs, nowMs - beganMs - dueMs);
      if (pictureDueMs <= soundDueMs) {
        const number = group.pictureCount++;
        const index = (number + group.gopOffset) % picturesPerGop;
        if (index === 0) for (const publisher of group.members) publisher.begin(group.frames, number * pictureMs);
        send(group, (address) => group.frames.picture(address, number, index, performance.now()));
      } else {
        const number = group.soundCount++;
        send(group, (address) => group.frames.sound(address, number));
      }
    }
  }
}

interface Group {
  /** In pictures. */
  readonly gopOffset: number;
  readonly delayMs: number;
  pictureCount: number;
  soundCount: number;
  readonly frames: PublishedFrames;
  readonly members: Set<Publisher>;
}

class Publisher implements ConnectionHandler {
  readonly startedAtMs: number = performance.now();
  readonly #publishers: Publishers;
  readonly #connection: Connection;
  readonly #session: PublisherSession;
  group: Group | undefined;
  address = 0;
  hasBegun = false;
  hasFailed = false;

  constructor(publishers: Publishers, connection: Connection, session: PublisherSession) {
    this.#publishers = publishers;
    this.#connection = connection;
    this.#session = session;
    this.#drain();
  }

  handleBytes(bytes: Uint8Array): void {
    this.#session.handle(bytes, performance.now());
    this.#drain();
  }

  handleTime(nowMs: number): void {
    this.#session.handleTime(nowMs);
    this.#drain();
  }

  handleClose(errorName?: string): void {
    this.#publishers.closed(this, errorName);
  }

  /** A GOP begins. */
  begin(frames: PublishedFrames, timeMs: number): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    for (const bytes of frames.start(this.address, timeMs)) this.send(bytes);
  }

  send(bytes: Uint8Array): void {
    this.#connection.send(bytes);
  }

  stop(): void {
    this.#session.close();
    this.#drain();
  }

  fail(error: CodedError): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.#publishers.failures.add(error.code, error.message);
    this.#connection.destroy();
  }

  #drain(): void {
    let isClosed = false;
    for (let event = this.#session.poll(); event !== undefined; event = this.#session.poll()) {
      if (event.type === "accepted") {
        this.#publishers.accepted(this, event.address);
        continue;
      }
      if (event.error !== undefined) this.fail(event.error);
      isClosed = true;
    }
    const output = this.#session.pollOutput();
    if (output !== undefined) this.#connection.send(output);
    if (isClosed) this.#connection.end();
  }
}

function picturesToKey({ pictureCount, gopOffset }: Group): number {
  return (picturesPerGop - ((pictureCount + gopOffset) % picturesPerGop)) % picturesPerGop;
}

/** The same bytes to nearly all: only another address makes others. */
function send(group: Group, write: (address: number) => Uint8Array): void {
  let bytes: Uint8Array | undefined;
  let writtenFor = -1;
  for (const publisher of group.members) {
    if (!publisher.hasBegun) continue;
    if (bytes === undefined || writtenFor !== publisher.address) {
      writtenFor = publisher.address;
      bytes = write(writtenFor);
    }
    publisher.send(bytes);
  }
}

/** For sessions that need signs of life. */
const sweepIntervalMs = 1_000;
