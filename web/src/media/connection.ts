/** One connection that carries FLV: a WebSocket, or an HTTP response without an end. */

import type { Transport } from "../address.ts";

export interface Connection {
  /** Ends it; no callback comes afterwards. */
  close(): void;
}

export interface ConnectionEvents {
  bytes(bytes: Uint8Array): void;
  /** Said once. Why it ended is asked of the server (availability.ts): a WebSocket tells a page nothing about refusals. */
  ended(): void;
}

export function openConnection(transport: Transport, url: string, events: ConnectionEvents): Connection {
  return transport === "websocket" ? openWebSocket(url, events) : openHttp(url, events);
}

function openWebSocket(url: string, events: ConnectionEvents): Connection {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (message: MessageEvent<unknown>) => {
    if (message.data instanceof ArrayBuffer) events.bytes(new Uint8Array(message.data));
  };
  // An error is always followed by a close.
  socket.onclose = () => events.ended();
  return {
    close() {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
}

function openHttp(url: string, events: ConnectionEvents): Connection {
  const stop = new AbortController();
  readBody(url, stop.signal, events)
    .catch(() => undefined)
    .finally(() => {
      if (!stop.signal.aborted) events.ended();
    });
  return { close: () => stop.abort() };
}

async function readBody(url: string, stopped: AbortSignal, events: ConnectionEvents): Promise<void> {
  const response = await fetch(url, { cache: "no-store", signal: stopped });
  if (!response.ok || response.body === null) return;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || stopped.aborted) return;
    events.bytes(value);
  }
}
