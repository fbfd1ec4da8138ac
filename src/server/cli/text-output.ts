/** Where a command writes: a stream of the process, or a test's. */
export interface TextOutput {
  write(text: string): unknown;
  /** A person reads it as it comes. */
  readonly isTTY?: boolean;
}
