/** Exp-Golomb codes by table 9-2 and 9-3 of H.264: bits, and what ue(v) and se(v) make of them. */

export interface ExpGolombCase {
  readonly bits: string;
  readonly ue: number;
  readonly se: number;
}

export const expGolombCases: readonly ExpGolombCase[] = [
  { bits: "1", ue: 0, se: 0 },
  { bits: "010", ue: 1, se: 1 },
  { bits: "011", ue: 2, se: -1 },
  { bits: "00100", ue: 3, se: 2 },
  { bits: "00101", ue: 4, se: -2 },
  { bits: "00110", ue: 5, se: 3 },
  { bits: "00111", ue: 6, se: -3 },
  { bits: "0001000", ue: 7, se: 4 },
  { bits: `${"0".repeat(16)}1${"0".repeat(16)}`, ue: 2 ** 16 - 1, se: 2 ** 15 },
  { bits: `${"0".repeat(31)}1${"0".repeat(31)}`, ue: 2 ** 31 - 1, se: 2 ** 30 },
  { bits: `${"0".repeat(31)}1${"1".repeat(31)}`, ue: 2 ** 32 - 2, se: -(2 ** 31 - 1) },
];
