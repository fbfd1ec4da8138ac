import { defineConfig } from "vite";

/** Where a Millrace server answers while `vite web` serves the page from source. */
const server = process.env["MILLRACE_URL"] ?? "http://127.0.0.1:8000";

/**
 * The player page. Millrace answers every stream's path with `dist/index.html`, so the page's own files need an address
 * that no stream can have: `/_millrace/`.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: "/_millrace/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // The page runs under `default-src 'self'`: nothing may become a data: address or an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "^/.*\\.flv": { target: server, ws: true } } },
});
