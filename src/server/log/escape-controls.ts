/**
 * Makes text of foreign origin fit for one line of a terminal or a log: whatever could end the line, move the cursor,
 * change colours or reverse the reading direction is written as a visible escape. (A file name, a User-Agent, a key of
 * somebody's configuration.)
 */

// C0, DEL and C1; the line and paragraph separators; the bidirectional overrides and isolates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** `text` with every control character as `\n`, `\r`, `\t` or `\u001b`; the same string when there is none. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) => shortEscapes.get(character) ?? unicodeEscape(character));
}

/** `\u001b` for an escape character. Valid inside a JSON string too. */
export function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);
