/** Seeded damage to inputs: the same seed makes the same sequence, on every machine. */

/** A source of whole numbers: `random(n)` is in [0, n), n ≤ 2^32. */
export type Random = (bound: number) => number;

/** SplitMix32: one word of state, good enough for choosing what to break. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * bound);
  };
}

/** A damaged copy of `input`, at most `maxBytes` long; `other` is what it may be spliced with. Neither is modified. */
export function mutate(random: Random, input: Uint8Array, other: Uint8Array, maxBytes: number): Uint8Array {
  let bytes: Uint8Array = input.slice(0, maxBytes);
  // One step half of the time, two a quarter of it, and so on.
  do {
    bytes = mutations[random(mutations.length)]!(random, bytes, other).subarray(0, maxBytes);
  } while (random(2) === 0);
  return bytes;
}

/** May write into `bytes`, which is a copy. */
type Mutation = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const flipBit: Mutation = (random, bytes) => {
  if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
  return bytes;
};

const overwriteByte: Mutation = (random, bytes) => {
  if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
  return bytes;
};

const addToByte: Mutation = (random, bytes) => {
  if (bytes.length > 0) bytes[random(bytes.length)]! += random(33) - 16;
  return bytes;
};

const overwriteWithEdgeValue: Mutation = (random, bytes) => {
  const width = [1, 2, 3, 4, 8][random(5)]!;
  if (bytes.length < width) return bytes;
  let value = edgeValues[random(edgeValues.length)]!;
  // Lengths and offsets are often near the input's own length.
  if (random(4) === 0) value = BigInt(Math.max(0, bytes.length + random(9) - 4));
  const at = random(bytes.length - width + 1);
  const isLittleEndian = random(4) === 0;
  for (let index = 0; index < width; index++) {
    const shift = BigInt(8 * (isLittleEndian ? index : width - 1 - index));
    bytes[at + index] = Number((value >> shift) & 0xffn);
  }
  return bytes;
};

const truncate: Mutation = (random, bytes) => bytes.subarray(0, random(bytes.length + 1));

const dropStart: Mutation = (random, bytes) => bytes.subarray(random(Math.min(bytes.length, 64) + 1));

const removeRange: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  return concat(bytes.subarray(0, start), bytes.subarray(end));
};

const duplicateRange: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  const copies = 1 + random(random(8) === 0 ? 64 : 3);
  const repeated = new Uint8Array((end - start) * copies);
  for (let copy = 0; copy < copies; copy++) repeated.set(bytes.subarray(start, end), copy * (end - start));
  return concat(bytes.subarray(0, end), repeated, bytes.subarray(end));
};

const insertRandom: Mutation = (random, bytes) => {
  const at = random(bytes.length + 1);
  const inserted = Uint8Array.from({ length: 1 + random(16) }, () => random(256));
  return concat(bytes.subarray(0, at), inserted, bytes.subarray(at));
};

const fillRange: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  return bytes.fill([0, 0xff, 0x7f, 0x80, random(256)][random(5)]!, start, end);
};

const moveRange: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  if (start < end) bytes.copyWithin(random(bytes.length), start, end);
  return bytes;
};

/** The head of one input and the tail of the other. */
const splice: Mutation = (random, bytes, other) =>
  concat(bytes.subarray(0, random(bytes.length + 1)), other.subarray(random(other.length + 1)));

const insertFromOther: Mutation = (random, bytes, other) => {
  const [start, end] = range(random, other.length);
  const at = random(bytes.length + 1);
  return concat(bytes.subarray(0, at), other.subarray(start, end), bytes.subarray(at));
};

/** A stretch of up to 1 KiB, short ones more often. */
function range(random: Random, length: number): [start: number, end: number] {
  const start = random(length + 1);
  return [start, start + random(Math.min(length - start, 1 << random(11)) + 1)];
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bit flips and edge values find the most, so they stand here twice. */
const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  overwriteByte,
  addToByte,
  overwriteWithEdgeValue,
  overwriteWithEdgeValue,
  truncate,
  dropStart,
  removeRange,
  duplicateRange,
  insertRandom,
  fillRange,
  moveRange,
  splice,
  insertFromOther,
];

/** Where counters, lengths and signs turn over. */
const edgeValues: readonly bigint[] = [7, 8, 15, 16, 24, 31, 32, 33, 63, 64].flatMap((bits) => {
  const power = 1n << BigInt(bits);
  return [power - 1n, power, power + 1n];
});
