/** A server's insides through Node's inspector: heap after a collection, and what keeps its event loop alive. */

import { once } from "node:events";
import { WebSocket } from "ws";

export interface ProcessState {
  readonly heapBytes: number;
  /** Sockets, listeners, timers…: how many of each the process holds. */
  readonly resources: Readonly<Record<string, number>>;
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number; readonly result?: { readonly value?: unknown } };
  readonly error?: { readonly message: string };
}

export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply["result"]>>();
  #nextId = 1;

  /** @param port - what the server was started with: `--inspect=127.0.0.1:<port>` */
  static async connect(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(targets[0]!.webSocketDebuggerUrl);
    await once(socket, "open");
    return new Inspector(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (text: Buffer) => {
      const { id, result, error } = JSON.parse(text.toString()) as Reply;
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (waiting === undefined) return;
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(error.message));
    });
    socket.on("close", () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error("the inspector was closed"));
    });
  }

  async state(): Promise<ProcessState> {
    await this.#call("HeapProfiler.collectGarbage");
    await this.#call("HeapProfiler.collectGarbage"); // what finalizers let go of in the first
    const heap = await this.#call("Runtime.getHeapUsage");
    const expression = "process.getActiveResourcesInfo()";
    const names = await this.#call("Runtime.evaluate", { expression, returnByValue: true });
    const resources: Record<string, number> = {};
    const list = (names?.result?.value ?? []) as string[];
    for (const name of list) resources[name] = (resources[name] ?? 0) + 1;
    return { heapBytes: heap?.usedSize ?? 0, resources };
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #call(method: string, params: object = {}): Promise<Reply["result"]> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<Reply["result"]>();
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return waiting.promise.finally(() => this.#waiting.delete(id));
  }
}
