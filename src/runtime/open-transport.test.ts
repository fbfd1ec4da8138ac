import { expect, test, vi } from "vitest";
import { codeOf } from "../../test/support/kernel.ts";
import { CodedError } from "../bytes/coded-error.ts";
import { ERR_ADDON_UNAVAILABLE } from "./errors.ts";
import { everyFrame } from "./flush-pacer.ts";
import { NativeTransport } from "./native-transport.ts";
import { openTransport, type TransportChoice } from "./open-transport.ts";
import { PortableTransport } from "./portable-transport.ts";
import type { Transport } from "./transport.ts";

/** What loading the addon throws, if anything. */
const loading: { problem?: Error | undefined } = {};

vi.mock("./native-addon.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("./native-addon.ts")>();
  return {
    ...original,
    loadNativeAddon: (hash: number) => {
      if (loading.problem !== undefined) throw loading.problem;
      return original.loadNativeAddon(hash);
    },
  };
});

const missing = new CodedError(ERR_ADDON_UNAVAILABLE, "the native addon can't be used: it was not built");

test("the native transport is taken where it can be had, and the portable one when it is asked for", async () => {
  expect(await kindOf("auto")).toEqual([NativeTransport, []]);
  expect(await kindOf("native")).toEqual([NativeTransport, []]);
  expect(await kindOf("portable")).toEqual([PortableTransport, []]);
});

test("without the addon `auto` says why and takes the portable transport, and `native` refuses", async () => {
  expect(await kindOf("auto", missing)).toEqual([PortableTransport, [missing]]);
  expect(await kindOf("portable", missing)).toEqual([PortableTransport, []]);
  loading.problem = missing;
  expect(codeOf(() => open("native", []))).toBe(ERR_ADDON_UNAVAILABLE);
});

test("a mistake of ours is not taken for a missing addon", () => {
  loading.problem = new TypeError("planned");
  expect(() => open("auto", [])).toThrow("planned");
});

function open(choice: TransportChoice, reasons: CodedError[]): Transport {
  return openTransport({
    choice,
    pacing: everyFrame,
    onFailure: () => {},
    onFallback: (reason) => reasons.push(reason),
  });
}

/** The class that is chosen, and the reasons given for falling back. */
async function kindOf(choice: TransportChoice, problem?: Error): Promise<[unknown, CodedError[]]> {
  loading.problem = problem;
  const reasons: CodedError[] = [];
  const transport = open(choice, reasons);
  await transport.close();
  return [transport.constructor, reasons];
}
