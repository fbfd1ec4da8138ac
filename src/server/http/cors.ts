/** Which web sites may use this server's media: `http.allow_origin`, for plain requests, hijacked ones and WebSockets alike. */

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
    return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
  }
}
