/** Where a value came from: the answer to "who set this?". */

export type Origin =
  | { readonly kind: "built-in" }
  | { readonly kind: "file"; readonly path: string; readonly line: number; readonly column: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "command line"; readonly flag: string };

export const builtIn: Origin = Object.freeze({ kind: "built-in" });

/** `millrace.toml:12`, `MILLRACE__RTMP__PORT`, `--rtmp-port`, `built-in`: what a person goes to, to change it. */
export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "built-in":
      return "built-in";
    case "file":
      return `${origin.path}:${origin.line}`;
    case "environment":
      return origin.variable;
    case "command line":
      return origin.flag;
  }
}
