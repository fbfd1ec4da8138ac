/** Chooses the transport: the native one where it can be had, else the portable one. */

import { CodedError } from "../bytes/coded-error.ts";
import type { FlushPacing } from "./flush-pacer.ts";
import { loadNativeAddon } from "./native-addon.ts";
import { nativeLayoutHash } from "./native-layout.ts";
import { NativeTransport } from "./native-transport.ts";
import { PortableTransport } from "./portable-transport.ts";
import type { Transport } from "./transport.ts";

export type TransportChoice = "auto" | "native" | "portable";

export interface OpenTransportOptions {
  readonly choice: TransportChoice;
  readonly pacing: FlushPacing;
  /** Told of a handler that threw: a mistake of ours, which costs that one connection. */
  readonly onFailure: (error: unknown) => void;
  /** Why "auto" did not take the addon. */
  readonly onFallback: (reason: CodedError) => void;
}

/** @throws `ERR_ADDON_UNAVAILABLE` when the native transport was asked for and can't be had */
export function openTransport({ choice, pacing, onFailure, onFallback }: OpenTransportOptions): Transport {
  if (choice !== "portable") {
    try {
      return new NativeTransport(loadNativeAddon(nativeLayoutHash()), pacing, onFailure);
    } catch (error) {
      if (choice === "native" || !(error instanceof CodedError)) throw error;
      onFallback(error);
    }
  }
  return new PortableTransport(onFailure, pacing);
}
