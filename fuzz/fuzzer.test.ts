import { describe, expect, it } from "vitest";
import { type FuzzResult, fuzz, replay } from "./fuzzer.ts";
import { mutate, seededRandom } from "./mutate.ts";

const planted = (name: string): string => new URL(`./planted/${name}.ts`, import.meta.url).href;
const fuzzPlanted = (name: string): Promise<FuzzResult> =>
  fuzz({ url: planted(name), randomSeed: 1, seconds: 10, maxMutations: 20_000 });

describe("the fuzzer", () => {
  it("leaves a sound parser alone", async () => {
    const { failure, runCount, seedCount } = await fuzzPlanted("sound");
    expect({ failure, runCount, seedCount }).toEqual({ failure: undefined, runCount: 20_001, seedCount: 1 });
  });

  it("finds an error without a code, with an input that shows it again", async () => {
    const { failure } = await fuzzPlanted("crash");
    expect(failure).toMatchObject({ kind: "crash", reason: expect.stringContaining("TypeError: the planted bug") });
    expect(failure?.input?.[3]).toBe(0xff);
    expect(await replay(planted("crash"), failure!.input!)).toMatchObject({ kind: "crash" });
  });

  it("finds the same with the same seed", async () => {
    const [first, second] = await Promise.all([fuzzPlanted("crash"), fuzzPlanted("crash")]);
    expect(first.failure?.input).toEqual(second.failure?.input);
  });

  it("ends a run that hangs, and tells its input", async () => {
    const { failure } = await fuzzPlanted("hang");
    expect(failure?.kind).toBe("hang");
    expect(failure?.input?.[5]).toBe(0xff);
  });

  it("finds what allocates because a length was declared", async () => {
    const { failure } = await fuzzPlanted("allocate");
    expect(failure?.reason).toMatch(/allocated \d+ bytes|Array buffer allocation failed/);
  });

  it("survives a parser that eats all memory, and tells its input", async () => {
    const { failure } = await fuzzPlanted("hoard");
    expect(failure?.input?.[5]).toBe(0xff);
  });

  it("fails for a target that can't be loaded", async () => {
    const { failure } = await fuzzPlanted("unloadable");
    expect(failure).toMatchObject({ kind: "crash", input: undefined });
    expect(failure?.reason).toContain("the planted failure to load");
  });
});

describe("mutations", () => {
  it("leave their inputs alone, stay within the limit, and repeat with their seed", () => {
    const input = Uint8Array.from({ length: 300 }, (_, index) => index);
    const other = new Uint8Array(300).fill(7);
    const make = (): Uint8Array[] => {
      const random = seededRandom(42);
      return Array.from({ length: 5000 }, () => mutate(random, input, other, 400));
    };
    const made = make();
    expect(make()).toEqual(made);
    expect(input).toEqual(Uint8Array.from({ length: 300 }, (_, index) => index));
    expect(other).toEqual(new Uint8Array(300).fill(7));
    expect(Math.max(...made.map((bytes) => bytes.length))).toBeLessThanOrEqual(400);
    expect(new Set(made.map((bytes) => bytes.join())).size).toBeGreaterThan(4000);
  });

  it("can start from nothing", () => {
    const random = seededRandom(7);
    const empty = new Uint8Array(0);
    for (let count = 0; count < 5000; count++) mutate(random, empty, empty, 100);
  });
});
