/**
 * Where each key of a TOML document stands (TOML 1.1: tables, dotted and quoted keys, inline tables, arrays of tables).
 *
 * The parser gives values without places; this walks the same text and gives places without values. It relies on the text
 * being valid, that is on the parser having accepted it, and so can skip what does not matter. On other text it stops
 * early: it never hangs, and its worst answer is a missing place.
 */

import { parse } from "smol-toml";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CONFIG_TOO_DEEP } from "./errors.ts";
import { maxDepth } from "./limits.ts";

/** One key with those below it. Items of an array are the keys "0", "1", …. Line and column begin at 1. */
export interface KeyPosition {
  readonly line: number;
  readonly column: number;
  readonly children: ReadonlyMap<string, KeyPosition>;
}

/** The places of all keys; the root itself stands at 1:1. Throws ERR_CONFIG_TOO_DEEP. */
export function scanKeyPositions(text: string): KeyPosition {
  return new Scanner(text).scan();
}

interface Node extends KeyPosition {
  readonly children: Map<string, Node>;
  readonly depth: number;
  /** Whether `[[…]]` made it: a header goes on in its newest item. */
  isTableArray: boolean;
}

interface KeyPart {
  readonly name: string;
  readonly offset: number;
}

class Scanner {
  readonly #text: string;
  readonly #root: Node = { line: 1, column: 1, depth: 0, isTableArray: false, children: new Map() };
  #offset = 0;
  // Keys are met in the order of the text, so the line is found by going on from the key before.
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): KeyPosition {
    let table = this.#root;
    for (;;) {
      this.#skipBlanks();
      if (this.#offset >= this.#text.length) return this.#root;
      if (this.#peek() === "[") table = this.#header();
      else this.#assignment(table);
    }
  }

  /** `[a.b]` or `[[a.b]]`: the table that the following lines belong to. */
  #header(): Node {
    this.#offset++;
    const isArray = this.#peek() === "[";
    if (isArray) this.#offset++;
    const parts = this.#key();
    let node = this.#root;
    for (const part of parts) node = this.#child(newestItem(node), part);
    if (isArray) {
      node.isTableArray = true;
      node = this.#child(node, { name: String(node.children.size), offset: parts[0]?.offset ?? this.#offset });
    } else {
      node = newestItem(node);
    }
    for (let closing = isArray ? 2 : 1; closing > 0; closing--) {
      if (this.#peek() !== "]") this.#stop();
      this.#offset++;
    }
    return node;
  }

  /** `a.b = value` */
  #assignment(table: Node): void {
    let node = table;
    for (const part of this.#key()) node = this.#child(node, part);
    if (this.#peek() !== "=") this.#stop();
    this.#offset++;
    this.#value(node);
  }

  #key(): KeyPart[] {
    const parts: KeyPart[] = [];
    for (;;) {
      this.#skipSpaces();
      const offset = this.#offset;
      const quote = this.#peek();
      if (quote === '"' || quote === "'") {
        this.#skipString();
        parts.push({ name: unquote(this.#text.slice(offset, this.#offset)), offset });
      } else {
        while (isBareKeyCharacter(this.#text.charCodeAt(this.#offset))) this.#offset++;
        if (this.#offset === offset) this.#stop();
        else parts.push({ name: this.#text.slice(offset, this.#offset), offset });
      }
      this.#skipSpaces();
      if (this.#peek() !== ".") return parts;
      this.#offset++;
    }
  }

  #value(node: Node): void {
    this.#skipSpaces();
    const first = this.#peek();
    if (first === '"' || first === "'") {
      this.#skipString();
    } else if (first === "[") {
      this.#list("]", () => {
        const name = String(node.children.size);
        this.#value(this.#child(node, { name, offset: this.#offset }));
      });
    } else if (first === "{") {
      this.#list("}", () => this.#assignment(node));
    } else {
      this.#skipWhile((character) => !",]}#\n".includes(character));
    }
  }

  /** What stands between brackets, with commas between: on any number of lines, with comments. */
  #list(end: string, item: () => void): void {
    this.#offset++;
    for (;;) {
      this.#skipBlanks();
      if (this.#peek() === end) break;
      item();
      this.#skipBlanks();
      if (this.#peek() === end) break;
      if (this.#peek() !== ",") {
        this.#stop();
        break;
      }
      this.#offset++;
    }
    this.#offset++;
  }

  #child(parent: Node, { name, offset }: KeyPart): Node {
    const known = parent.children.get(name);
    if (known !== undefined) return known;
    for (let end = this.#text.indexOf("\n", this.#lineStart); end !== -1 && end < offset; ) {
      this.#line++;
      this.#lineStart = end + 1;
      end = this.#text.indexOf("\n", this.#lineStart);
    }
    const depth = parent.depth + 1;
    if (depth > maxDepth) {
      throw new CodedError(ERR_CONFIG_TOO_DEEP, `line ${this.#line}: keys are nested deeper than ${maxDepth}`);
    }
    const column = offset - this.#lineStart + 1;
    const node: Node = { line: this.#line, column, depth, isTableArray: false, children: new Map() };
    parent.children.set(name, node);
    return node;
  }

  #skipString(): void {
    const quote = this.#peek();
    const isMultiline = this.#text.startsWith(quote.repeat(3), this.#offset);
    const end = isMultiline ? quote.repeat(3) : quote;
    this.#offset += end.length;
    while (this.#offset < this.#text.length && !this.#text.startsWith(end, this.#offset)) {
      this.#offset += quote === '"' && this.#peek() === "\\" ? 2 : 1;
    }
    this.#offset += end.length;
    // Up to two quotes may stand right before the closing three.
    if (isMultiline) for (let extra = 0; extra < 2 && this.#peek() === quote; extra++) this.#offset++;
  }

  #skipBlanks(): void {
    for (;;) {
      this.#skipWhile((character) => " \t\r\n\uFEFF".includes(character));
      if (this.#peek() !== "#") return;
      this.#skipWhile((character) => character !== "\n");
    }
  }

  #skipSpaces(): void {
    this.#skipWhile((character) => " \t".includes(character));
  }

  #skipWhile(wanted: (character: string) => boolean): void {
    while (this.#offset < this.#text.length && wanted(this.#text[this.#offset]!)) this.#offset++;
  }

  #peek(): string {
    return this.#text[this.#offset] ?? "";
  }

  /** The text is not what the parser accepted: nothing after this place is looked at. */
  #stop(): void {
    this.#offset = this.#text.length;
  }
}

function newestItem(node: Node): Node {
  return (node.isTableArray && node.children.get(String(node.children.size - 1))) || node;
}

function isBareKeyCharacter(code: number): boolean {
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isLetter || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d;
}

/** The text of a quoted key. Escapes are rare in keys; the parser knows them all. */
function unquote(raw: string): string {
  if (raw.startsWith("'") || !raw.includes("\\")) return raw.slice(1, -1);
  const [value] = Object.values(parse(`k = ${raw}`));
  return String(value);
}
