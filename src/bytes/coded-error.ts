/**
 * The one shape of every failure that a peer, a file or a person can cause.
 *
 * `code` is stable and documented (one table per folder, `errors.ts`); `message` says what was expected, what came and,
 * where somebody can act on it, what to do.
 */
export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Reading past the end of what was given. The only way a reader fails for lack of bytes. */
export const ERR_TRUNCATED = "ERR_TRUNCATED";

/** Makes the error of {@link ERR_TRUNCATED}: `wantedBytes` were asked for at `offset`, `leftBytes` were there. */
export function truncatedError(wantedBytes: number, offset: number, leftBytes: number): CodedError {
  return new CodedError(ERR_TRUNCATED, `expected ${wantedBytes} bytes at offset ${offset}, only ${leftBytes} are left`);
}
