/**
 * The codecs an FLV stream can name, and whether this browser can decode them.
 *
 * Sources: Video File Format Specification 10.1 annex E.4 (codec numbers), Enhanced RTMP v2 (FourCC), RFC 6381 (codec
 * strings for Media Source Extensions).
 */

export interface Codec {
  /** What FLV calls it: a FourCC, or a number of the old enumeration. */
  readonly id: string;
  readonly kind: "video" | "audio";
  readonly label: string;
  /**
   * What to ask the browser for, given the decoder configuration; undefined: the page has no way to feed this codec to a
   * browser, whatever the browser decodes.
   */
  readonly mimeType?: (configuration: Uint8Array) => string;
}

/** True when the browser says that it decodes this codec with this configuration. */
export function canDecode(codec: Codec, configuration: Uint8Array): boolean {
  const type = codec.mimeType?.(configuration);
  const source = mediaSourceClass();
  return type !== undefined && source?.isTypeSupported(type) === true;
}

/** The browser's Media Source Extensions; on an iPhone they are called ManagedMediaSource (iOS 17.1). */
export function mediaSourceClass(): typeof MediaSource | undefined {
  const scope = globalThis as { MediaSource?: typeof MediaSource; ManagedMediaSource?: typeof MediaSource };
  return scope.ManagedMediaSource ?? scope.MediaSource;
}

export function videoCodec(id: string): Codec {
  return videoCodecs[id] ?? { id, kind: "video", label: `an unknown video codec (${id})` };
}

export function audioCodec(id: string): Codec {
  return audioCodecs[id] ?? { id, kind: "audio", label: `an unknown audio codec (${id})` };
}

/** `avc1.PPCCLL`: profile, constraints and level are bytes 1 to 3 of the AVCDecoderConfigurationRecord. */
function avcMimeType(configuration: Uint8Array): string {
  const bytes = configuration.length >= 4 ? configuration.subarray(1, 4) : Uint8Array.of(0x42, 0xe0, 0x1e);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `video/mp4; codecs="avc1.${hex}"`;
}

/** Main or Main 10 by general_profile_idc, the low five bits of byte 1 of the HEVCDecoderConfigurationRecord. */
function hevcMimeType(configuration: Uint8Array): string {
  const isMain10 = ((configuration[1] ?? 1) & 0x1f) === 2;
  return `video/mp4; codecs="hvc1.${isMain10 ? "2.4" : "1.6"}.L93.B0"`;
}

const hevc = { kind: "video", label: "HEVC (H.265)", mimeType: hevcMimeType } as const;

const videoCodecs: Record<string, Codec> = {
  "2": { id: "2", kind: "video", label: "Sorenson H.263" },
  "4": { id: "4", kind: "video", label: "VP6" },
  "7": { id: "7", kind: "video", label: "H.264", mimeType: avcMimeType },
  "12": { id: "12", ...hevc },
  hvc1: { id: "hvc1", ...hevc },
  avc1: { id: "avc1", kind: "video", label: "H.264 (enhanced)" },
  av01: { id: "av01", kind: "video", label: "AV1", mimeType: () => 'video/mp4; codecs="av01.0.04M.08"' },
  vp08: { id: "vp08", kind: "video", label: "VP8" },
  vp09: { id: "vp09", kind: "video", label: "VP9" },
  vvc1: { id: "vvc1", kind: "video", label: "VVC (H.266)" },
};

const audioCodecs: Record<string, Codec> = {
  "2": { id: "2", kind: "audio", label: "MP3", mimeType: mp3MimeType },
  "7": { id: "7", kind: "audio", label: "G.711 A-law" },
  "8": { id: "8", kind: "audio", label: "G.711 µ-law" },
  "10": { id: "10", kind: "audio", label: "AAC", mimeType: () => 'audio/mp4; codecs="mp4a.40.2"' },
  "11": { id: "11", kind: "audio", label: "Speex" },
  Opus: { id: "Opus", kind: "audio", label: "Opus", mimeType: () => 'audio/mp4; codecs="opus"' },
  fLaC: { id: "fLaC", kind: "audio", label: "FLAC", mimeType: () => 'audio/mp4; codecs="flac"' },
  mp4a: { id: "mp4a", kind: "audio", label: "AAC (enhanced)" },
  ".mp3": { id: ".mp3", kind: "audio", label: "MP3 (enhanced)" },
  "ac-3": { id: "ac-3", kind: "audio", label: "AC-3" },
  "ec-3": { id: "ec-3", kind: "audio", label: "E-AC-3" },
};

/** Firefox takes MP3 only inside MP4, and mpegts.js does the same there. */
function mp3MimeType(): string {
  return mediaSourceClass()?.isTypeSupported("audio/mpeg") === true ? "audio/mpeg" : 'audio/mp4; codecs="mp3"';
}
