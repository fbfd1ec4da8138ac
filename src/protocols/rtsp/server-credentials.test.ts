import { describe, expect, it } from "vitest";
import { hexBytes, vectors } from "../../../test/support/material.ts";
import { Base64Reader, writeBase64 } from "./base64.ts";
import { type DigestAlgorithm, digestResponse } from "./digest.ts";
import { decideNothing, ServerBench, sdpOf, seededRandom, testCrypto, wire } from "./pair.cases.ts";

const url = "rtsp://host/live/cam";

/** A server that is asked, and asks back; and the nonce that it gave. */
function asked(isTls = false): { bench: ServerBench; nonce: string; challenges: string[] } {
  const bench = new ServerBench({ isTls }, decideNothing);
  bench.handle(wire(`DESCRIBE ${url} RTSP/1.0\nCSeq: 1`));
  bench.session.reject(1, 401, bench.now);
  const answer = bench.takeText();
  const challenges = [...answer.matchAll(/^WWW-Authenticate: (.*)\r$/gm)].map(([, value]) => value as string);
  return { bench, nonce: /nonce="([^"]*)"/.exec(answer)?.[1] ?? "", challenges };
}

interface Attempt {
  readonly nonce: string;
  readonly algorithm?: DigestAlgorithm;
  readonly realm?: string;
  readonly uri?: string;
  readonly method?: string;
  readonly nonceCount?: string;
  readonly requestUrl?: string;
}

function authorization({
  nonce,
  algorithm = "MD5",
  realm = "Millrace",
  uri = url,
  method = "DESCRIBE",
  nonceCount,
}: Attempt): string {
  const qop = nonceCount === undefined ? undefined : { nonceCount, clientNonce: "c" };
  const response = digestResponse(testCrypto(), { algorithm, username: "u", realm, nonce, method, uri, qop }, "right");
  const extra = qop === undefined ? "" : `, qop=auth, nc=${nonceCount}, cnonce="c"`;
  return `Digest username="u", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}${extra}`;
}

/** What the next DESCRIBE with this Authorization leads to. */
function attempt(
  bench: ServerBench,
  header: string,
  method = "DESCRIBE",
  requestUrl = url,
): "right" | "wrong" | "401" | "stale" | "none" {
  const before = bench.findAll("describe").length;
  bench.handle(wire(`${method} ${requestUrl} RTSP/1.0\nCSeq: 2\nAuthorization: ${header}`));
  const answer = bench.takeText();
  if (answer !== "") return answer.includes("stale=TRUE") ? "stale" : "401";
  const event = bench.findAll("describe")[before];
  bench.session.reject(event?.requestId ?? 0, 404, bench.now);
  bench.takeText();
  const credentials = event?.credentials;
  if (credentials === undefined) return "none";
  const isRight = credentials.scheme === "digest" ? credentials.isPassword("right") : credentials.password === "right";
  return isRight ? "right" : "wrong";
}

describe("challenges", () => {
  it("are SHA-256 first and MD5 last", () => {
    expect(asked().challenges).toEqual([
      `Digest realm="Millrace", nonce="${"00".repeat(16)}", algorithm=SHA-256, qop="auth"`,
      `Digest realm="Millrace", nonce="${"00".repeat(16)}", algorithm=MD5`,
    ]);
  });

  it("have Basic behind them over TLS", () => {
    expect(asked(true).challenges[2]).toBe('Basic realm="Millrace"');
  });
});

describe("credentials", () => {
  it.each(["MD5", "SHA-256"] as const)("are right with the right password, by %s", (algorithm) => {
    const { bench, nonce } = asked();
    expect(attempt(bench, authorization({ nonce, algorithm }))).toBe("right");
    expect(attempt(bench, authorization({ nonce, algorithm, nonceCount: "00000001" }))).toBe("right");
  });

  it("of another method, address, realm or nonce are not", () => {
    const { bench, nonce } = asked();
    expect(attempt(bench, authorization({ nonce, method: "PLAY" }))).toBe("wrong");
    expect(attempt(bench, authorization({ nonce, uri: "rtsp://host/live/other" }))).toBe("401");
    expect(attempt(bench, authorization({ nonce, uri: `${url}?token=x` }))).toBe("401");
    expect(attempt(bench, authorization({ nonce, realm: "other" }))).toBe("401");
    expect(attempt(bench, authorization({ nonce: "other" }))).toBe("stale");
  });

  it("may be made for a path alone, or for another host", () => {
    const { bench, nonce } = asked();
    expect(attempt(bench, authorization({ nonce, uri: "/live/cam" }))).toBe("right");
    expect(attempt(bench, authorization({ nonce, uri: "rtsp://10.0.0.1:554/live/cam" }))).toBe("right");
  });

  it("VLC: of a SETUP are made for the presentation", () => {
    const { bench, nonce } = asked();
    const header = authorization({ nonce, method: "SETUP" });
    expect(attempt(bench, header, "SETUP", `${url}/trackID=0`)).toBe("right");
    expect(
      attempt(
        bench,
        authorization({ nonce, uri: "rtsp://host/live/ca", method: "SETUP" }),
        "SETUP",
        `${url}/trackID=0`,
      ),
    ).toBe("401");
  });

  it("with a count are taken once", () => {
    const { bench, nonce } = asked();
    const [first, third, second] = ["00000001", "00000003", "00000002"].map((nonceCount) =>
      authorization({ nonce, nonceCount }),
    );
    expect([first, first, third, second].map((header) => attempt(bench, header as string))).toEqual([
      "right",
      "stale",
      "right",
      "stale",
    ]);
  });

  it("are good for a minute", () => {
    const { bench, nonce } = asked();
    bench.advance(30_000);
    expect(attempt(bench, authorization({ nonce }))).toBe("right");
    bench.advance(30_000);
    expect(attempt(bench, authorization({ nonce }))).toBe("right");
    bench.advance(1);
    expect(attempt(bench, authorization({ nonce }))).toBe("stale");
  });

  it("are good on the connection that asked for them", () => {
    const { nonce } = asked();
    expect(attempt(new ServerBench({}, decideNothing), authorization({ nonce }))).toBe("stale");
  });

  it("by Basic are taken over TLS only", () => {
    const header = `Basic ${writeBase64(new TextEncoder().encode("u:right"))}`;
    expect(attempt(asked(true).bench, header)).toBe("right");
    expect(attempt(asked(false).bench, header)).toBe("none");
  });

  it.each(["Digest x", "Basic !", "x"])("that can't be read are refused: %s", (header) => {
    expect(attempt(asked(true).bench, header)).toBe("401");
  });

  it("twice in one request are refused", () => {
    const { bench, nonce } = asked();
    const header = authorization({ nonce });
    expect(attempt(bench, `${header}\nAuthorization: ${header}`)).toBe("401");
  });

  it("that are wrong ten times are enough", () => {
    const { bench } = asked();
    const codes = Array.from({ length: 10 }, () => attempt(bench, "Digest x"));
    expect(new Set(codes)).toEqual(new Set(["401"]));
    attempt(bench, "Digest x");
    expect(bench.errorCode).toBe("ERR_RTSP_CREDENTIALS");
  });

  it("of a publisher are asked for in the same way", () => {
    const bench = new ServerBench({}, decideNothing);
    const sdp = sdpOf(["a"]);
    bench.handle(wire(`ANNOUNCE ${url}?token=t RTSP/1.0\nCSeq: 1\nContent-Length: ${sdp.length}`) + sdp);
    expect(bench.find("announce")).toMatchObject({ path: "live/cam", query: "token=t", credentials: undefined });
    bench.session.reject(1, 401, bench.now);
    expect(bench.takeText()).toContain("401 Unauthorized");
  });
});

it("the response is that of the specifications", () => {
  for (const vector of vectors("http-digest")) {
    const { algorithm, username, password, realm, nonce, method, uri, nc, cnonce, response } =
      vector as unknown as Record<string, string>;
    const qop = nc === undefined ? undefined : { nonceCount: nc, clientNonce: cnonce as string };
    const input = { algorithm: algorithm as DigestAlgorithm, username, realm, nonce, method, uri, qop } as Parameters<
      typeof digestResponse
    >[1];
    expect(digestResponse(testCrypto(), input, password as string), vector.id).toBe(response);
  }
});

describe("base64", () => {
  it.each([
    ["", ""],
    ["66", "Zg=="],
    ["666f", "Zm8="],
    ["666f6f", "Zm9v"],
    ["fbff3e", "+/8+"],
  ])("%s is %s", (hex, text) => {
    expect(writeBase64(hexBytes(hex))).toBe(text);
    expect(new Base64Reader().read(new TextEncoder().encode(text)).toHex()).toBe(hex);
  });

  it("goes on behind padding, over line ends, in any pieces", () => {
    const random = seededRandom(4);
    const parts = Array.from({ length: 40 }, (_, i) => new Uint8Array(i).fill(i));
    const text = new TextEncoder().encode(parts.map((part) => writeBase64(part)).join("\r\n "));
    const reader = new Base64Reader();
    let hex = "";
    for (let at = 0; at < text.length; ) {
      const end = at + 1 + Math.floor(random() * 7);
      hex += reader.read(text.subarray(at, end)).toHex();
      at = end;
    }
    expect(hex).toBe(parts.map((part) => part.toHex()).join(""));
  });

  it.each(["Z!", "=", "Z===", "Zg=a", "Zm9v="])("refuses %s", (text) => {
    const read = (): unknown => new Base64Reader().read(new TextEncoder().encode(text));
    expect(read).toThrowError(expect.objectContaining({ code: "ERR_RTSP_TUNNEL" }));
  });
});
