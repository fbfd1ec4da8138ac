import { describe, expect, it } from "vitest";
import { corpusSeeds, hexBytes, vectors } from "../../../test/support/material.ts";
import { ClientHandshake, ServerHandshake, writeServerReply } from "./handshake.ts";
import { findDigest, signBlock, signReply } from "./handshake-digest.ts";
import { randomPieces, seededRandom, testCrypto } from "./pair.cases.ts";

const crypto = testCrypto();

describe("digests", () => {
  for (const vector of vectors("rtmp-handshake")) {
    const scheme = Number(vector["scheme"]) as 0 | 1;
    const block = (name: string): Uint8Array => hexBytes(vector[name] as string);

    it(`finds those of C1 and S1 and repeats S1, S2 and C2: ${vector.id}`, () => {
      const c1 = findDigest(crypto, block("c1"), "client");
      const s1 = findDigest(crypto, block("s1"), "server");
      expect(c1).toEqual({ scheme, offset: vector["c1DigestOffset"], digest: block("c1Digest") });
      expect(s1).toEqual({ scheme, offset: vector["s1DigestOffset"], digest: block("s1Digest") });
      const signed = block("s1").fill(0, s1?.offset, (s1?.offset ?? 0) + 32);
      signBlock(crypto, signed, scheme, "server");
      expect(signed).toEqual(block("s1"));
      for (const [name, answered, side] of [
        ["s2", "c1Digest", "server"],
        ["c2", "s1Digest", "client"],
      ] as const) {
        const reply = block(name).fill(0, 1536 - 32);
        signReply(crypto, reply, block(answered), side);
        expect(reply).toEqual(block(name));
      }
    });

    it(`answers a client with a digest in its own scheme: ${vector.id}`, () => {
      const { reply, kind } = writeServerReply(crypto, block("c1"));
      expect(kind).toBe(`digest-${scheme}`);
      expect(findDigest(crypto, reply.subarray(1, 1537), "server")?.scheme).toBe(scheme);
    });
  }

  it("does not find one where a bit is wrong", () => {
    const c1 = (new ClientHandshake(crypto, 1).pollOutput() as Uint8Array).subarray(1);
    expect(findDigest(crypto, c1, "client")?.scheme).toBe(1);
    c1[100] = (c1[100] as number) ^ 1;
    expect(findDigest(crypto, c1, "client")).toBeUndefined();
    expect(findDigest(crypto, c1, "server")).toBeUndefined();
  });
});

describe("a client and a server shake hands", () => {
  for (const scheme of [undefined, 0, 1] as const) {
    it(`in any pieces, ${scheme === undefined ? "simple" : `digest scheme ${scheme}`}`, () => {
      const random = seededRandom(7);
      const client = new ClientHandshake(testCrypto(3), scheme);
      const server = new ServerHandshake(testCrypto(4));
      for (let round = 0; round < 4; round++) {
        for (const piece of randomPieces(client.pollOutput() ?? new Uint8Array(0), random)) {
          expect(server.handle(piece)).toBe(piece.length);
        }
        for (const piece of randomPieces(server.pollOutput() ?? new Uint8Array(0), random)) {
          expect(client.handle(piece)).toBe(piece.length);
        }
      }
      expect([client.isDone, server.isDone]).toEqual([true, true]);
      const kind = scheme === undefined ? "simple" : `digest-${scheme}`;
      expect([client.kind, server.kind]).toEqual([kind, kind]);
    });
  }
});

it("echoes C1 in S2, and says in S1 that there is no digest, when C1 has none", () => {
  const server = new ServerHandshake(crypto);
  const hello = new ClientHandshake(testCrypto(5), undefined).pollOutput() as Uint8Array;
  server.handle(hello);
  const reply = server.pollOutput() as Uint8Array;
  expect(reply.length).toBe(3073);
  expect(reply.subarray(5, 9)).toEqual(new Uint8Array(4));
  expect(reply.subarray(1537)).toEqual(hello.subarray(1));
});

it("takes a client with a version but without a digest as simple", () => {
  const server = new ServerHandshake(crypto);
  const hello = new ClientHandshake(testCrypto(5), undefined).pollOutput() as Uint8Array;
  hello.set([10, 0, 32, 18], 5); // librtmp, OBS
  server.handle(hello);
  expect(server.kind).toBe("simple");
});

it("leaves the bytes behind C2 alone", () => {
  const server = new ServerHandshake(crypto);
  const bytes = new Uint8Array(1537 + 1536 + 10).fill(3);
  expect(server.handle(bytes)).toBe(1537 + 1536);
  expect(server.isDone).toBe(true);
  expect(server.handle(bytes)).toBe(0);
});

it.each([
  ["HTTP", 0x47],
  ["RTMPE", 6],
  ["TLS", 0x16],
])("refuses %s at its first byte", (_name, first) => {
  expect(() => new ServerHandshake(crypto).handle(Uint8Array.of(first))).toThrowError(
    expect.objectContaining({ code: "ERR_RTMP_VERSION" }),
  );
});

it("takes every recorded handshake of version 3", () => {
  for (const { name, bytes } of corpusSeeds("rtmp_handshake")) {
    if (bytes[0] !== 3) continue;
    const server = new ServerHandshake(crypto);
    expect(server.handle(bytes), name).toBe(3073);
    expect(server.isDone, name).toBe(true);
  }
});
