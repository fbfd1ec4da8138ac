/** A server's insides through Node's inspector: heap after a collection, and what keeps its event loop alive. */

import { once } from "node:events";
import { WebSocket } from "ws";
import { waitFor } from "./wait.ts";

export interface ProcessState {
  readonly heapBytes: number;
  /** Sockets, listeners, timers…: how many of each the process holds. */
  readonly resources: Readonly<Record<string, number>>;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly workerInfo?: { readonly title: string } };
  readonly result?: { readonly usedSize?: number; readonly result?: { readonly value?: unknown } };
  readonly error?: { readonly message: string };
}

export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply["result"]>>();
  /** Sessions of the process's threads, by the thread's title. */
  readonly #threads = new Map<string, string>();
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
      const { id, result, error, method, params } = JSON.parse(text.toString()) as Reply;
      if (method === "NodeWorker.attachedToWorker" && params?.workerInfo !== undefined) {
        this.#threads.set(params.workerInfo.title, params.sessionId);
      }
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

  /** Runs an expression on the main thread. */
  async evaluate(expression: string): Promise<void> {
    await this.#call("Runtime.evaluate", { expression });
  }

  /** Has the thread of this name run an expression; what comes of it shows elsewhere. */
  async evaluateOnThread(name: string, expression: string): Promise<void> {
    await this.#call("NodeWorker.enable", { waitForDebuggerOnStart: false });
    const sessionId = await waitFor(`the thread ${name}`, () => {
      for (const [title, id] of this.#threads) if (title.includes(name)) return id;
      return undefined;
    });
    const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } });
    await this.#call("NodeWorker.sendMessageToWorker", { sessionId, message });
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
