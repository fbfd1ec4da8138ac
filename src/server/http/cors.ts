/** Which web sites may use this server's media: `http.allow_origin`, for plain requests, hijacked ones and WebSockets alike. */

import { isIP } from "node:net";

export class AllowedOrigins {
  readonly #origins: ReadonlySet<string>;
  readonly #allowsAll: boolean;

  constructor(origins: readonly string[]) {
    this.#allowsAll = origins.includes("*");
    this.#origins = new Set(origins);
  }

  /** What goes into Access-Control-Allow-Origin, or undefined when this origin gets none. */
  answer(origin: string | undefined): string | undefined {
    if (this.#allowsAll) return "*";
    return origin !== undefined && this.#origins.has(origin) ? origin : undefined;
  }

  /** Browsers do not protect WebSockets: a page of another site is refused by us. The server's own pages are always welcome. */
  mayOpenWebSocket(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined || this.#allowsAll) return true;
    if (this.#origins.has(origin)) return true;
    return isOwnOrigin(origin, host);
  }

  /** Management is for the server's own pages, and for sites that are named: a `*` is about media. */
  mayManage(origin: string | undefined, host: string | undefined): boolean {
    return origin === undefined || this.#origins.has(origin) || isOwnOrigin(origin, host);
  }
}

/**
 * Whether the Host header is an address or `localhost`. Any other name may be a foreign page's, whose owner lets it lead to this
 * machine (DNS rebinding); the browser then takes its requests for such of the same site, and sends no Origin with them.
 */
export function isLocalHost(host: string | undefined): boolean {
  if (host === undefined) return true; // HTTP/1.0, which no browser speaks
  const name = host.replace(/:\d{1,5}$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(name) !== 0 || name.toLowerCase() === "localhost";
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
