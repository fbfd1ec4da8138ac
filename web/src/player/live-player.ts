/**
 * The player: one media element, one session at a time, and the decisions between sessions.
 *
 * Every way a session can end leads to one of three things: another session (at once, or after a pause that doubles), a
 * wait that asks the server once a second whether somebody publishes, or a stop that only a person can lift.
 */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PageOptions, StreamAddress, Transport } from "../address.ts";
import { type Availability, availabilityOf } from "../media/availability.ts";
import { mediaSourceClass } from "../media/codecs.ts";
import { LiveEdge } from "../media/live-edge.ts";
import { MediaSession, type SessionEnd, type TrackSet } from "../media/media-session.ts";
import type { MediaInfo } from "../media/mse-sink.ts";
import { Backoff } from "./backoff.ts";
import type { Phase, Situation } from "./situation.ts";
import { newestSecond, type PlayerStats, sampleStats } from "./stats.ts";

/** How often the playing position is compared with the live edge: a quarter of the least margin is too late, this is not. */
const tickMs = 250;
const ticksPerStats = 2;
/** A publisher's arrival should show within three seconds; a HEAD a second is nothing to the server. */
const waitingPollMs = 1_000;
/** A stream this browser can't decode may be replaced by one it can; nobody is in a hurry. */
const unplayablePollMs = 5_000;
/** A connection that played that long was a good one: the next trouble is a new trouble. */
const goodAfterMs = 5_000;
/** So many restarts in that time are not bad luck. */
const tooManyRestarts = { count: 3, withinMs: 30_000 };
/** After a jump the element reports `waiting` though nothing is wrong. */
const settleAfterJumpMs = 1_000;

export class LivePlayer {
  readonly #phase = signal<Phase>("connecting");
  readonly #situation = signal<Situation | undefined>(undefined);
  readonly #retryAtMs = signal<number | undefined>(undefined);
  readonly #transport: Signal<Transport>;
  readonly #tracks = signal<TrackSet | undefined>(undefined);
  readonly #stats: Signal<PlayerStats>;
  readonly #muted: Signal<boolean>;
  readonly #volume = signal(1);
  readonly #soundBlocked = signal(false);

  readonly phase: ReadonlySignal<Phase> = this.#phase;
  readonly situation: ReadonlySignal<Situation | undefined> = this.#situation;
  /** When the next attempt is due, on the clock of `performance.now()`. */
  readonly retryAtMs: ReadonlySignal<number | undefined> = this.#retryAtMs;
  readonly tracks: ReadonlySignal<TrackSet | undefined> = this.#tracks;
  readonly volume: ReadonlySignal<number> = this.#volume;
  /** Sound was asked for and the browser refused to start with it. */
  readonly soundBlocked: ReadonlySignal<boolean> = this.#soundBlocked;
  readonly transport: ReadonlySignal<Transport>;
  readonly stats: ReadonlySignal<PlayerStats>;
  readonly muted: ReadonlySignal<boolean>;

  readonly #address: StreamAddress;
  readonly #options: PageOptions;
  readonly #backoff = new Backoff();
  #element: HTMLVideoElement | undefined;
  #session: MediaSession | undefined;
  /** A session that no longer receives, but whose last picture is still shown. */
  #previous: MediaSession | undefined;
  #info: MediaInfo | undefined;
  #edge = new LiveEdge();
  #wantsToPlay = true;
  #hasPlayed = false;
  #playingSinceMs: number | undefined;
  #jumpedAtMs = 0;
  #restartsAtMs: number[] = [];
  #tickCount = 0;
  #timer: number | undefined;
  #pendingStep: (() => void) | undefined;
  /** Aborted when a decision is overtaken by another. */
  #decision = new AbortController();

  constructor(address: StreamAddress, options: PageOptions) {
    this.#address = address;
    this.#options = options;
    this.#transport = signal(options.firstTransport);
    this.#muted = signal(options.muted);
    this.#stats = signal(sampleStats(this.#statsSource(), 0));
    this.transport = this.#transport;
    this.stats = this.#stats;
    this.muted = this.#muted;
  }

  /** Takes the page's media element and starts. */
  start(element: HTMLVideoElement): void {
    this.#element = element;
    element.volume = this.#volume.value;
    element.muted = this.#muted.value;
    element.addEventListener("playing", () => this.#onPlaying());
    element.addEventListener("waiting", () => this.#noticeStall(element));
    element.addEventListener("error", () => this.#onElementError(element));
    setInterval(() => this.#tick(element), tickMs);
    window.addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => this.#onVisible());
    // The keyboard's media keys and the system's controls; without this they would pause the element behind our back.
    navigator.mediaSession?.setActionHandler("play", () => this.play());
    navigator.mediaSession?.setActionHandler("pause", () => this.pause());
    if (mediaSourceClass() === undefined) this.#stop({ kind: "no-media-source" });
    else this.#connect();
  }

  /** Plays from the live edge: nobody resumes a live stream where it was left. */
  play(): void {
    this.#wantsToPlay = true;
    if (this.#phase.value === "blocked") this.#startElement();
    else if (this.#phase.value === "paused") this.#connect();
  }

  /** Stops receiving as well: a viewer who looks away costs nobody anything. */
  pause(): void {
    this.#wantsToPlay = false;
    this.#leave();
    this.#element?.pause();
    this.#set("paused", undefined);
  }

  togglePlay(): void {
    if (this.#phase.value === "paused" || this.#phase.value === "blocked") this.play();
    else if (this.#session !== undefined) this.pause();
  }

  setMuted(muted: boolean): void {
    this.#muted.value = muted;
    this.#soundBlocked.value = false;
    if (this.#element === undefined) return;
    this.#element.muted = muted;
    if (!muted && this.#volume.value === 0) this.setVolume(1);
  }

  /** 0 to 1; silence counts as muted, and moving the control away from it as wanting sound. */
  setVolume(volume: number): void {
    this.#volume.value = volume;
    if (this.#element !== undefined) this.#element.volume = volume;
    if (this.#muted.value !== (volume === 0)) this.setMuted(volume === 0);
  }

  /** Does now what would be done by itself later, or tries again after a stop. */
  retryNow(): void {
    if (this.#phase.value === "failed" || this.#phase.value === "stalled") {
      this.#restartsAtMs = [];
      this.#connect();
      return;
    }
    const step = this.#pendingStep;
    if (step === undefined) return;
    this.#cancelStep();
    step();
  }

  // ---- sessions

  #connect(): void {
    const element = this.#element;
    if (element === undefined || !this.#wantsToPlay) return;
    this.#leave();
    if (!this.#hasPlayed || this.#phase.value !== "retrying") this.#set("connecting", undefined);
    this.#edge = new LiveEdge();
    const transport = this.#transport.value;
    this.#session = new MediaSession(transport, this.#address.mediaUrl[transport], element, {
      tracks: (tracks) => {
        this.#tracks.value = tracks;
      },
      info: (info) => {
        this.#info = info;
      },
      takesElement: () => this.#dropPrevious(),
      ready: () => this.#startElement(),
      silent: () => this.#onSilence(),
      ended: (end) => this.#afterSession(end),
    });
  }

  /** Ends the session and whatever was planned; its last picture stays until the next one needs the element. */
  #leave(): void {
    this.#decision.abort();
    this.#decision = new AbortController();
    this.#cancelStep();
    this.#playingSinceMs = undefined;
    const session = this.#session;
    if (session === undefined) return;
    session.close();
    this.#dropPrevious();
    this.#previous = session;
    this.#session = undefined;
  }

  #dropPrevious(): void {
    this.#previous?.destroy();
    this.#previous = undefined;
  }

  #afterSession(end: SessionEnd): void {
    const playedMs = performance.now() - (this.#playingSinceMs ?? performance.now());
    if (playedMs >= goodAfterMs) this.#backoff.reset();
    this.#leave();
    switch (end.kind) {
      case "changed":
        this.#restart("the stream's tracks or times keep changing");
        break;
      case "failed":
        this.#restart(end.reason);
        break;
      case "unplayable":
        this.#stop({ kind: "unplayable", codecs: end.codecs });
        this.#later(unplayablePollMs, () => this.#awaitOtherStream());
        break;
      case "closed":
      case "silent":
        this.#set("retrying", { kind: end.kind === "silent" ? "silent" : "interrupted" });
        this.#ask(end.gotMedia);
        break;
    }
  }

  /** Another session at once, unless that was tried too often just now. */
  #restart(reason: string): void {
    const nowMs = performance.now();
    this.#restartsAtMs = this.#restartsAtMs.filter((atMs) => nowMs - atMs < tooManyRestarts.withinMs);
    if (this.#restartsAtMs.length >= tooManyRestarts.count) {
      this.#stop({ kind: "broken", reason });
      return;
    }
    this.#restartsAtMs.push(nowMs);
    this.#set("retrying", undefined);
    this.#connect();
  }

  /** Stays connected while the server has the stream: a publisher that returns goes on where it was. */
  async #onSilence(): Promise<void> {
    if (this.#phase.value === "stalled") this.#set("stalled", { kind: "silent" });
    const availability = await this.#availability();
    if (availability === undefined || availability.kind === "live") return;
    this.#leave();
    this.#act(availability, true);
  }

  /** Asks the server how things stand and acts on it. `gotMedia`: what the last session's transport was good for. */
  async #ask(gotMedia: boolean): Promise<void> {
    const availability = await this.#availability();
    if (availability !== undefined) this.#act(availability, gotMedia);
  }

  /** Undefined: another decision was made while the server was asked. */
  async #availability(): Promise<Availability | undefined> {
    const { signal: overtaken } = this.#decision;
    const availability = await availabilityOf(this.#address.mediaUrl.http, overtaken);
    return overtaken.aborted ? undefined : availability;
  }

  #act(availability: Availability, gotMedia: boolean): void {
    switch (availability.kind) {
      case "live":
        // The stream is there and nothing came: it is this way of transport that does not get through.
        if (!gotMedia) this.#transport.value = this.#transport.value === "websocket" ? "http" : "websocket";
        this.#later(this.#backoff.nextMs(), () => this.#connect());
        break;
      case "absent":
        this.#transport.value = this.#options.firstTransport;
        this.#set("waiting", { kind: "absent", endedAt: this.#hasPlayed ? this.#endedAt() : undefined });
        this.#later(waitingPollMs, () => this.#pollUntilLive());
        break;
      case "refused":
        this.#stop(availability);
        break;
      case "busy":
      case "unreachable":
        this.#set("retrying", availability);
        this.#later(this.#backoff.nextMs(), () => this.#ask(true));
        break;
    }
  }

  async #pollUntilLive(): Promise<void> {
    const availability = await this.#availability();
    if (availability?.kind === "live") {
      this.#backoff.reset();
      this.#connect();
    } else if (availability !== undefined) this.#act(availability, true);
  }

  /** After a stream that can't be decoded: once it is gone, wait for the next one as usual. */
  async #awaitOtherStream(): Promise<void> {
    const availability = await this.#availability();
    if (availability === undefined) return;
    if (availability.kind === "absent") this.#act(availability, true);
    else this.#later(unplayablePollMs, () => this.#awaitOtherStream());
  }

  #stop(situation: Situation): void {
    this.#leave();
    this.#set("failed", situation);
  }

  #endedAt(): Date {
    const situation = this.#situation.value;
    return situation?.kind === "absent" && situation.endedAt !== undefined ? situation.endedAt : new Date();
  }

  // ---- the element

  #startElement(): void {
    const element = this.#element;
    if (element === undefined) return;
    element.muted = this.#muted.value;
    element.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      if (this.#muted.value) {
        this.#set("blocked", { kind: "autoplay-blocked" });
        return;
      }
      this.setMuted(true);
      this.#soundBlocked.value = true;
      this.#startElement();
    });
  }

  #onPlaying(): void {
    if (this.#session === undefined) return;
    this.#playingSinceMs ??= performance.now();
    this.#hasPlayed = true;
    this.#set("playing", undefined);
    this.#sample();
  }

  /** Asked by the element when it runs dry, and by every tick: a jump hides an event, but not for long. */
  #noticeStall(element: HTMLVideoElement): void {
    const nowMs = performance.now();
    if (this.#session === undefined || this.#phase.value !== "playing" || element.seeking) return;
    if (element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || nowMs - this.#jumpedAtMs < settleAfterJumpMs) return;
    this.#edge.stalled(nowMs);
    this.#set("stalled", undefined);
  }

  #onElementError(element: HTMLVideoElement): void {
    // Taking the source away is reported as an error too; only a source of ours can fail.
    if (this.#session === undefined || element.error === null || !element.src.startsWith("blob:")) return;
    const reason = element.error.message || `media error ${element.error.code}`;
    this.#afterSession({ kind: "failed", reason });
  }

  #onVisible(): void {
    if (document.visibilityState !== "visible") return;
    // Browsers pause silent pictures in hidden tabs.
    if (this.#session !== undefined && this.#element?.paused === true && this.#phase.value !== "blocked") {
      this.#startElement();
    }
    if (this.#phase.value === "retrying" || this.#phase.value === "waiting") this.retryNow();
  }

  #tick(element: HTMLVideoElement): void {
    const nowMs = performance.now();
    if (this.#session !== undefined && !element.paused && !element.seeking && element.buffered.length > 0) {
      const { seekTo, playbackRate } = this.#edge.correct({
        nowMs,
        currentTime: element.currentTime,
        bufferedStart: element.buffered.start(element.buffered.length - 1),
        bufferedEnd: newestSecond(element),
      });
      if (element.playbackRate !== playbackRate) element.playbackRate = playbackRate;
      if (seekTo !== undefined) {
        this.#jumpedAtMs = nowMs;
        element.currentTime = seekTo;
      }
    }
    this.#noticeStall(element);
    this.#tickCount += 1;
    if (this.#tickCount % ticksPerStats === 0) this.#sample();
  }

  #sample(): void {
    this.#stats.value = sampleStats(this.#statsSource(), performance.now());
  }

  #statsSource(): Parameters<typeof sampleStats>[0] {
    return {
      transport: this.#transport.value,
      tracks: this.#tracks.value,
      info: this.#info,
      session: this.#session,
      element: this.#element,
    };
  }

  // ---- plans

  #set(phase: Phase, situation: Situation | undefined): void {
    this.#phase.value = phase;
    this.#situation.value = situation;
  }

  #later(delayMs: number, step: () => void): void {
    this.#cancelStep();
    this.#pendingStep = step;
    this.#retryAtMs.value = performance.now() + delayMs;
    this.#timer = setTimeout(() => {
      this.#cancelStep();
      step();
    }, delayMs);
  }

  #cancelStep(): void {
    clearTimeout(this.#timer);
    this.#pendingStep = undefined;
    this.#retryAtMs.value = undefined;
  }
}
