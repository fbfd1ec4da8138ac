/**
 * The addon as TypeScript sees it. It knows sockets, cursors and bytes; ids, offsets and counts cross the border, and every
 * option was checked before it does. Results below zero are an errno.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { CodedError } from "../bytes/coded-error.ts";
import { ERR_ADDON_UNAVAILABLE } from "./errors.ts";

export interface NativeShard {
  /** Calls `onReady` whenever a socket has something to say; {@link poll} then asks what. */
  start(onReady: () => void): void;
  /** Closes everything. Nothing may be called afterwards. */
  stop(): void;
  setCursors(shared: Uint8Array, capacity: number): void;
  /**
   * Takes what the sockets have into the receive buffer and the events; also of connections whose reading is paused, if
   * `readsPaced`. True: there is more.
   */
  poll(nowMs: number, readsPaced: boolean): boolean;
  /** Connections that bring much are read by such a {@link poll} only. False: there are none, and nothing is paused. */
  pausePaced(isPaused: boolean): boolean;
  /** Moves events out, four numbers each: type, id, and two that the type explains. */
  takeEvents(target: Float64Array): number;
  listen(host: string, port: number, backlog: number, reusePort: boolean, maxConnections: number): [number, number];
  closeListener(listener: number): void;
  /** Connections closed at once because there were too many. */
  droppedCount(listener: number): number;
  adopt(fd: number): number;
  /** As {@link adopt}, with a descriptor that is ours already: from {@link NativeAddon.duplicate}, on any thread. */
  take(fd: number): number;
  /** What other threads {@link NativeAddon.ringDoorbell}; -1 when there was no descriptor left. */
  doorbellFd(): number;
  /** Begins to connect; empty `localHost` for any. What fails, at once or later, is told by the `closed` event. */
  connect(host: string, port: number, localHost: string): number;
  peerAddress(id: number): [string, number];
  send(id: number, bytes: Uint8Array, maxQueuedBytes: number): void;
  end(id: number, nowMs: number): void;
  destroy(id: number): void;
  openLog(memory: Uint8Array, capacity: number, entryCapacity: number): number;
  attachLog(log: number, memory: Uint8Array, capacity: number, entryCapacity: number): void;
  /** Another log is there now: its cursors start over at the newest random access point. */
  replaceLog(log: number, memory: Uint8Array, capacity: number, entryCapacity: number, nowMs: number): void;
  closeLog(log: number): void;
  play(id: number, log: number, cursor: number, nowMs: number): void;
  /** Sends what is there already: a player that joined does not wait for the flush of the others. */
  startPlaying(id: number, nowMs: number): void;
  stopPlaying(id: number): void;
  pause(id: number, isPaused: boolean, nowMs: number): void;
  finish(id: number, nowMs: number): void;
  /** Sends to `most` of the log's cursors; returns how many are left. A new round is for all of them, else the last one goes on. */
  flush(log: number, limits: Float64Array, nowMs: number, isNewRound: boolean, most: number): number;
  sweep(limits: Float64Array, nowMs: number): void;
  /** Received and sent; of a closed connection until its `closed` event and what came with it has been taken. */
  connectionBytes(id: number): [number, number];
  counters(target: Float64Array): void;

  /** A UDP socket, -1 and "" for the system's choice: its id, port, and what it was granted for receiving and for sending. */
  openDatagrams(
    host: string,
    port: number,
    bufferBytes: number,
    multicastTtl: number,
    multicastInterface: string,
  ): [socket: number, port: number, receiveBufferBytes: number, sendBufferBytes: number];
  closeDatagrams(socket: number): void;
  datagramCounters(socket: number, target: Float64Array): void;
  openPeer(socket: number, host: string, port: number, maxPeers: number): number;
  /** Whose plays were stopped before. */
  closePeer(peer: number): void;
  sendDatagram(peer: number, bytes: Uint8Array): void;
  /** Received and sent. */
  peerBytes(peer: number): [number, number];
  /** Of the datagram at this offset of the receive buffer. */
  strangerAddress(offset: number): [string, number];
  /** `routes`: for each channel a peer, or -1. Returns a player's id, and sends nothing yet. */
  playPackets(log: number, cursor: number, routes: Int32Array, nowMs: number): number;
  startPackets(player: number, nowMs: number): void;
  stopPackets(player: number): void;
  pausePackets(player: number, isPaused: boolean, nowMs: number): void;
  finishPackets(player: number, nowMs: number): void;
  /** The next turn of those with more than a turn's worth. */
  continuePackets(nowMs: number): void;
}

export interface NativeAddon {
  /** Of the layout it was compiled with. */
  readonly layoutHash: number;
  /** Bytes of connections go into the first part of the buffer, datagrams into slots of `datagramSlotBytes` behind it. */
  readonly Shard: new (
    receiveBuffer: Uint8Array,
    streamBytes: number,
  ) => NativeShard;
  /** The same socket under a descriptor of its own, for another thread. */
  duplicate(fd: number): number;
  closeDescriptor(fd: number): void;
  /** Wakes the thread whose shard's doorbell this is. */
  ringDoorbell(fd: number): void;
}

/** Indexes of {@link NativeShard.counters}. */
export const nativeCounters = {
  accepted: 0,
  open: 1,
  receivedBytes: 2,
  sentBytes: 3,
  jumps: 4,
  evicted: 5,
  socketErrors: 6,
  dropped: 7,
  sends: 8,
  acceptPauses: 9,
  /** Control bytes that wait in send queues, now. */
  queuedBytes: 10,
  /** What the addon's records of connections take, now. */
  connectionTableBytes: 11,
} as const;

/** Indexes of {@link NativeShard.datagramCounters}. */
export const nativeDatagramCounters = {
  receivedPackets: 0,
  receivedBytes: 1,
  strangerPackets: 2,
  sentPackets: 3,
  sentBytes: 4,
  droppedPackets: 5,
  overflowedPackets: 6,
  refusedSegmentations: 7,
} as const;

/** Types of events, and what their two numbers are. The id -1: of a play of packets, which its cursor names. */
export const nativeEvents = {
  /** A connection; its listener. */
  accept: 0,
  /** Offset and length in the receive buffer. */
  data: 1,
  /** An errno, or 0. */
  closed: 2,
  /** The cursor, and bytes skipped. */
  lag: 3,
  /** The cursor; the connection is closed next. */
  evicted: 4,
  /** The cursor that has sent all of a log that has ended. */
  finished: 5,
  /** The cursor that is in use no more. */
  cursorFree: 6,
  /** Nothing: the peer has closed its side, and is still there to take what waits. */
  peerEnded: 7,
  /** Nothing: somebody has more to send than one turn had time for; poll again. */
  more: 8,
  /** Nothing, and no id: another thread has rung. */
  doorbell: 9,
  /** Nothing: the peer has answered. Only of connections that we began. */
  connected: 10,
  /** Of a peer: offset and length in the receive buffer. */
  datagram: 11,
  /** Of a socket, from somebody who is no peer: offset and length in the receive buffer. */
  stranger: 12,
  /** Nothing, and no id: players of packets have more than a turn's worth; continue them in a while. */
  spread: 13,
  /** Of a socket, once: an errno. The kernel refused to cut packets, and they go out one by one. */
  segmentationRefused: 14,
} as const;

/** Where `npm run build:native` puts it. */
const builtAddon = resolve(import.meta.dirname, "../../native/build/Release/millrace.node");

/**
 * Loads the addon that was built on this machine, if its memory layout is ours.
 * @throws `ERR_ADDON_UNAVAILABLE` with a sentence that says why and what to do
 */
export function loadNativeAddon(layoutHash: number, file: string = builtAddon): NativeAddon {
  if (process.platform !== "linux") throw unavailable(`it is for Linux, and this is ${process.platform}`);
  if (process.versions["bun"] !== undefined || process.versions["electron"] !== undefined) {
    throw unavailable("it is for Node.js, and this is another runtime");
  }
  if (!existsSync(file))
    throw unavailable("it was not built: npm run build:native builds it, and needs a C++ compiler and make");
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(file) as NativeAddon;
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error));
  }
  if (addon.layoutHash !== layoutHash) throw unavailable("it was built from other sources: run npm run build:native");
  return addon;
}

function unavailable(why: string): CodedError {
  return new CodedError(ERR_ADDON_UNAVAILABLE, `the native addon can't be used: ${why}`);
}
