/** An RTSP client that says what it is told to, whatever that is. */

import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { waitFor } from "./wait.ts";

export class RawRtsp implements Disposable {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #received = "";

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
    });
    this.#socket.on("error", () => {}); // 'close' follows
    this.closed = new Promise((resolve) => this.#socket.on("close", () => resolve()));
  }

  get received(): string {
    return this.#received;
  }

  write(bytes: string | Uint8Array): void {
    if (this.#socket.destroyed) return;
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /** Sends a request and waits for the answer with its CSeq. */
  async ask(head: string, cseq: number, body = ""): Promise<string> {
    const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
    this.write(`${head}\r\nCSeq: ${cseq}\r\n${length}\r\n${body}`);
    return waitFor(`the answer ${cseq}`, () =>
      this.#received.split(/(?=RTSP\/1\.0 )/).find((answer) => answer.includes(`CSeq: ${cseq}\r\n`)),
    );
  }

  /** Says nothing more. */
  end(): void {
    this.#socket.end();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** G.711. */
export const rawSdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:0\r\n";

/** A publisher of G.711 that has announced and set up; the session's id. */
export async function announced(
  peer: RawRtsp,
  name: string,
  transport = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
): Promise<string> {
  const url = `rtsp://127.0.0.1/${name}`;
  expect(await peer.ask(`ANNOUNCE ${url} RTSP/1.0\r\nContent-Type: application/sdp`, 1, rawSdp)).toContain(" 200 OK");
  const answer = await peer.ask(`SETUP ${url}/0 RTSP/1.0\r\nTransport: ${transport}`, 2);
  expect(answer).toContain(" 200 OK");
  return /Session: ([^;\r]+)/.exec(answer)![1]!;
}
