/** What Node keeps to itself: which descriptor a socket is. */

import type { Socket } from "node:net";

/** The descriptor under a plain TCP socket, or -1. Node has no public name for it; without it the portable way serves. */
export function descriptorOf(socket: Socket): number {
  // What Node has read already, or not written yet, would be lost with its half.
  const isClean = socket.writableLength === 0 && socket.readableLength === 0 && !socket.destroyed;
  if (!isClean || "encrypted" in socket) return -1;
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } };
  return typeof handle?.fd === "number" ? handle.fd : -1;
}
