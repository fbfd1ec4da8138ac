/**
 * `assert` marks our own bugs and stays on in production. A peer's mistake is never an assertion: it is a {@link CodedError}
 * (see coded-error.ts). Inside a session a failed assertion discards the session; in shared state it ends the process.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws {@link AssertionError} with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
