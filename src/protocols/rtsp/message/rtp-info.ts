/** RTP-Info: RFC 2326 §12.33. Sequence number and RTP time of the first packet after PLAY, for each track. */

import { splitList, splitParameter } from "./parameters.ts";

export interface RtpInfo {
  readonly url: string;
  readonly sequenceNumber: number | undefined;
  readonly rtpTime: number | undefined;
}

/**
 * Lenient, because nothing depends on it: what can't be read is undefined, entries without an address are left out.
 * Errors: ERR_RTSP_TOO_LONG.
 */
export function parseRtpInfo(value: string): RtpInfo[] {
  const infos: RtpInfo[] = [];
  // Some addresses hold commas; an entry begins where "url=" does.
  for (const entry of value.split(/,(?=\s*url\s*=)/i)) {
    let url: string | undefined;
    let sequenceNumber: number | undefined;
    let rtpTime: number | undefined;
    for (const item of splitList(entry, ";")) {
      const { name, value: text = "" } = splitParameter(item);
      if (name === "url") url = text;
      else if (name === "seq") sequenceNumber = parseCounter(text, 0xffff);
      else if (name === "rtptime") rtpTime = parseCounter(text, 0xffff_ffff);
    }
    if (url !== undefined && /^[^\s\p{Cc};"]+$/u.test(url)) infos.push({ url, sequenceNumber, rtpTime });
  }
  return infos;
}

export function writeRtpInfo(infos: readonly RtpInfo[]): string {
  return infos
    .map(({ url, sequenceNumber, rtpTime }) => {
      const seq = sequenceNumber === undefined ? "" : `;seq=${sequenceNumber}`;
      return `url=${url}${seq}${rtpTime === undefined ? "" : `;rtptime=${rtpTime}`}`;
    })
    .join(",");
}

function parseCounter(text: string, max: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= max ? number : undefined;
}
