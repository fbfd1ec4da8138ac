/**
 * Base64 (RFC 4648 §4): credentials of Basic, and the body of a tunnel's POST, which is a stream: QuickTime encodes each request
 * by itself, so padding comes in the middle and the next group begins behind it.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTSP_TUNNEL } from "./errors.ts";

export class Base64Reader {
  #bits = 0;
  #digitCount = 0;
  #padCount = 0;

  /** The bytes that `input` completes, in memory of their own. Line ends and spaces are skipped. Errors: ERR_RTSP_TUNNEL. */
  read(input: Uint8Array): Uint8Array {
    const output = new Uint8Array(Math.ceil((input.length * 3) / 4) + 3);
    let length = 0;
    for (const character of input) {
      if (character === 0x0d || character === 0x0a || character === 0x20) continue;
      if (character === padding) {
        this.#pad();
        continue;
      }
      const digit = digits[character] as number;
      if (digit === noDigit || this.#padCount > 0) throw notBase64();
      this.#bits = (this.#bits << 6) | digit;
      this.#digitCount += 1;
      // Each digit but the first of its group completes a byte.
      if (this.#digitCount === 1) continue;
      output[length++] = this.#bits >>> (8 - 2 * this.#digitCount);
      this.#bits &= (1 << (8 - 2 * this.#digitCount)) - 1;
      if (this.#digitCount === 4) this.#digitCount = 0;
    }
    return output.subarray(0, length);
  }

  /** A group ends early, after two or three digits. */
  #pad(): void {
    if (this.#digitCount < 2) throw notBase64();
    this.#padCount += 1;
    if (this.#digitCount + this.#padCount < 4) return;
    this.#bits = 0;
    this.#digitCount = 0;
    this.#padCount = 0;
  }
}

export function writeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const left = bytes.length - i;
    text += alphabet[group >>> 18] as string;
    text += alphabet[(group >>> 12) & 63] as string;
    text += left > 1 ? (alphabet[(group >>> 6) & 63] as string) : "=";
    text += left > 2 ? (alphabet[group & 63] as string) : "=";
  }
  return text;
}

function notBase64(): CodedError {
  return new CodedError(ERR_RTSP_TUNNEL, "expected base64");
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const padding = 0x3d;
const noDigit = 0xff;
const digits = new Uint8Array(256).fill(noDigit);
for (let i = 0; i < alphabet.length; i++) digits[alphabet.charCodeAt(i)] = i;
