/** Base64 (RFC 4648 §4) of parameter sets in SDP. */

/**
 * The bytes of `text`, up to the first character that is none of base64: cameras put spaces, line ends and half a line behind
 * their parameter sets, and leave out the padding.
 */
export function parseBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let length = 0;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const value = letters.indexOf(text.charAt(i));
    if (value < 0) break;
    pending = ((pending << 6) | value) & 0xffff;
    pendingBits += 6;
    if (pendingBits < 8) continue;
    pendingBits -= 8;
    bytes[length++] = pending >> pendingBits;
  }
  return bytes.slice(0, length);
}

export function writeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += letters.charAt(group >> 18) + letters.charAt((group >> 12) & 63);
    text += left > 1 ? letters.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? letters.charAt(group & 63) : "=";
  }
  return text;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
