/** One parser (or one state machine) under random bytes. `run.ts` finds the targets by listing `fuzz/targets/`. */
export interface FuzzTarget {
  /** The file's name without its ending. */
  readonly name: string;
  /** The source files whose parsers this target reaches; `test/tidy.test.ts` wants every parser in at least one list. */
  readonly covers: readonly string[];
  /** Folders of seeds in the shared material. */
  readonly corpora: readonly string[];
  /** Seeds of our own: the case tables of the unit tests, in bytes. */
  seeds(): Iterable<Uint8Array>;
  /** Returns, or throws a CodedError. Anything else is a crash. */
  run(bytes: Uint8Array): void;
}
