/** In what the payload formats of H.264, H.265 and VVC differ; they are one format in three spellings. */

/** What an access unit is to do with a NAL unit of a type. */
export type NalKind =
  /** Access unit delimiter. */
  | "delimiter"
  | "parameterSet"
  /** Something else that stands before the slices: SEI, a picture header … */
  | "prefix"
  | "slice"
  /** A slice of a picture where decoding may start. */
  | "keySlice"
  /** A slice of a picture that follows a key picture, and may refer to pictures before it. */
  | "leadingSlice"
  /** End of sequence, end of bitstream. */
  | "end"
  /** Says nothing, and is not kept. */
  | "filler"
  | "other";

export interface NalPayloadFormat {
  /** For people. */
  readonly name: string;
  /** Bytes of a NAL unit's header. */
  readonly headerBytes: 1 | 2;
  /** nal_unit_type of the header at `at`. */
  typeOf(bytes: Uint8Array, at: number): number;
  /** By type; `undefined` is a type of the payload format itself, or reserved. */
  readonly kinds: readonly (NalKind | undefined)[];
  /** The type of an aggregation packet: STAP-A, AP. */
  readonly aggregationType: number;
  /** The type of a fragmentation unit: FU-A, FU. */
  readonly fragmentType: number;
  /** Types of the format that nobody sends, by name. */
  readonly unsupported: Readonly<Record<number, string>>;
  /** The bits of the type in an FU header. */
  readonly fragmentTypeMask: number;
  /** The bit of an FU header that marks the last fragment of a picture's last slice: P of VVC, 0 elsewhere. */
  readonly pictureEndFlag: number;
  /** True when the slice, with its header at `start`, is the first of its picture. */
  isFirstSlice(bytes: Uint8Array, start: number, end: number): boolean;
  /** True when no other picture refers to that of the slice whose header stands at `at`. */
  isDisposable(bytes: Uint8Array, at: number): boolean;
  /** Writes the header of the unit of which a fragment came, whose payload header is `indicator`. */
  writeUnitHeader(bytes: Uint8Array, at: number, type: number, indicator: Uint8Array): void;
  /** Writes the payload header of a fragment or aggregate, from the header that the unit at `unitAt` has. */
  writePayloadHeader(bytes: Uint8Array, type: number, units: Uint8Array, unitAt: number): void;
  /** Widens an aggregate's payload header for one unit more. */
  mergePayloadHeader(bytes: Uint8Array, units: Uint8Array, unitAt: number): void;
}

/** Bits of an FU header, the same in all three. */
export const fragmentStartFlag = 0x80;
export const fragmentEndFlag = 0x40;

/** RFC 6184. The header: F 1 bit, NRI 2, type 5. */
export const h264PayloadFormat: NalPayloadFormat = {
  name: "H.264",
  headerBytes: 1,
  typeOf: (bytes, at) => (bytes[at] as number) & 0x1f,
  kinds: kindTable(24, {
    slice: [1, 2, 3, 4],
    keySlice: [5],
    prefix: [6, 14],
    parameterSet: [7, 8, 13, 15],
    delimiter: [9],
    end: [10, 11],
    filler: [12],
    other: [16, 17, 18, 19, 20, 21, 22, 23],
  }),
  aggregationType: 24,
  fragmentType: 28,
  unsupported: { 25: "STAP-B", 26: "MTAP16", 27: "MTAP24", 29: "FU-B" },
  fragmentTypeMask: 0x1f,
  pictureEndFlag: 0,
  isFirstSlice: (bytes, start, end) => isTopBitSet(bytes, start + 1, end), // first_mb_in_slice, ue(v), is 0
  isDisposable: (bytes, at) => ((bytes[at] as number) & 0x60) === 0,
  writeUnitHeader(bytes, at, type, indicator) {
    bytes[at] = ((indicator[0] as number) & 0xe0) | type;
  },
  writePayloadHeader(bytes, type, units, unitAt) {
    bytes[0] = ((units[unitAt] as number) & 0xe0) | type;
  },
  mergePayloadHeader(bytes, units, unitAt) {
    const header = bytes[0] as number;
    const unit = units[unitAt] as number;
    const importance = Math.max(header & 0x60, unit & 0x60); // §5.7.1: F of any, the highest NRI
    bytes[0] = ((header | unit) & 0x80) | importance | (header & 0x1f);
  },
};

/** RFC 7798. The header: F 1 bit, type 6, layer 6, temporal id plus one 3. */
export const h265PayloadFormat: NalPayloadFormat = {
  name: "H.265",
  headerBytes: 2,
  typeOf: (bytes, at) => ((bytes[at] as number) >> 1) & 0x3f,
  kinds: kindTable(48, {
    slice: [0, 1, 2, 3, 4, 5, 6, 7],
    leadingSlice: [8, 9],
    keySlice: [16, 17, 18, 19, 20, 21],
    parameterSet: [32, 33, 34],
    delimiter: [35],
    end: [36, 37],
    filler: [38],
    prefix: [39],
    other: [10, 11, 12, 13, 14, 15, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 40, 41, 42, 43, 44, 45, 46, 47],
  }),
  aggregationType: 48,
  fragmentType: 49,
  unsupported: { 50: "PACI" },
  fragmentTypeMask: 0x3f,
  pictureEndFlag: 0,
  isFirstSlice: (bytes, start, end) => isTopBitSet(bytes, start + 2, end), // first_slice_segment_in_pic_flag
  isDisposable: () => false,
  writeUnitHeader(bytes, at, type, indicator) {
    bytes[at] = ((indicator[0] as number) & 0x81) | (type << 1);
    bytes[at + 1] = indicator[1] as number;
  },
  writePayloadHeader(bytes, type, units, unitAt) {
    bytes[0] = ((units[unitAt] as number) & 0x81) | (type << 1);
    bytes[1] = units[unitAt + 1] as number;
  },
  mergePayloadHeader(bytes, units, unitAt) {
    // §4.4.2: F of any, the lowest layer and the lowest temporal id.
    const layer = Math.min(h265Layer(bytes, 0), h265Layer(units, unitAt));
    const temporalId = Math.min((bytes[1] as number) & 7, (units[unitAt + 1] as number) & 7);
    const forbidden = ((bytes[0] as number) | (units[unitAt] as number)) & 0x80;
    bytes[0] = forbidden | ((bytes[0] as number) & 0x7e) | (layer >> 5);
    bytes[1] = ((layer & 0x1f) << 3) | temporalId;
  },
};

/** RFC 9328. The header: F 1 bit, Z 1, layer 6, type 5, temporal id plus one 3. */
export const vvcPayloadFormat: NalPayloadFormat = {
  name: "VVC",
  headerBytes: 2,
  typeOf: (bytes, at) => (bytes[at + 1] as number) >> 3,
  kinds: kindTable(28, {
    slice: [0, 1, 2, 10],
    leadingSlice: [3],
    keySlice: [7, 8, 9],
    parameterSet: [14, 15, 16],
    prefix: [12, 13, 17, 19, 23],
    delimiter: [20],
    end: [21, 22],
    filler: [25],
    other: [4, 5, 6, 11, 18, 24, 26, 27],
  }),
  aggregationType: 28,
  fragmentType: 29,
  unsupported: {},
  fragmentTypeMask: 0x1f,
  pictureEndFlag: 0x20,
  isFirstSlice: (bytes, start, end) => isTopBitSet(bytes, start + 2, end), // sh_picture_header_in_slice_header_flag
  isDisposable: () => false,
  writeUnitHeader(bytes, at, type, indicator) {
    bytes[at] = indicator[0] as number;
    bytes[at + 1] = (type << 3) | ((indicator[1] as number) & 7);
  },
  writePayloadHeader(bytes, type, units, unitAt) {
    bytes[0] = units[unitAt] as number;
    bytes[1] = (type << 3) | ((units[unitAt + 1] as number) & 7);
  },
  mergePayloadHeader(bytes, units, unitAt) {
    const layer = Math.min((bytes[0] as number) & 0x3f, (units[unitAt] as number) & 0x3f); // §4.3.2, as H.265
    const temporalId = Math.min((bytes[1] as number) & 7, (units[unitAt + 1] as number) & 7);
    const forbidden = ((bytes[0] as number) | (units[unitAt] as number)) & 0x80;
    bytes[0] = forbidden | layer;
    bytes[1] = ((bytes[1] as number) & 0xf8) | temporalId;
  },
};

function kindTable(size: number, kinds: Partial<Record<NalKind, readonly number[]>>): readonly (NalKind | undefined)[] {
  const table: (NalKind | undefined)[] = new Array(size).fill(undefined);
  for (const [kind, types] of Object.entries(kinds)) for (const type of types) table[type] = kind as NalKind;
  return table;
}

/** True for what a picture consists of. */
export function isSlice(kind: NalKind | undefined): boolean {
  return kind === "slice" || kind === "keySlice" || kind === "leadingSlice";
}

function isTopBitSet(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] as number) >= 0x80;
}

function h265Layer(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) & 1) << 5) | ((bytes[at + 1] as number) >> 3);
}
