/** Asks the server, without fetching media, whether a stream can be played now, and why not. */

/** RFC 9457 problem details, as far as the page shows them. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
}

export type Availability =
  | { readonly kind: "live" }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly problem: Problem }
  /** The server answers, but can't serve now: too many viewers, shutting down, a proxy without its server. */
  | { readonly kind: "busy"; readonly problem: Problem }
  | { readonly kind: "unreachable" };

/** A server that is up answers a HEAD in milliseconds; five seconds is a network that does not work. */
const answerTimeoutMs = 5_000;

export async function availabilityOf(mediaUrl: string, stopped: AbortSignal): Promise<Availability> {
  try {
    const response = await ask(mediaUrl, "HEAD", stopped);
    if (response.ok) return { kind: "live" };
    if (response.status === 404) return { kind: "absent" };
    const problem = await problemOf(mediaUrl, response.status, stopped);
    const isTemporary = response.status === 429 || response.status >= 500;
    return { kind: isTemporary ? "busy" : "refused", problem };
  } catch {
    return { kind: "unreachable" };
  }
}

/** A HEAD has no body, so the reason is fetched with a GET; should that one succeed, its media are not wanted here. */
async function problemOf(mediaUrl: string, status: number, stopped: AbortSignal): Promise<Problem> {
  const unknown: Problem = { status, title: "", detail: "", code: "" };
  const response = await ask(mediaUrl, "GET", stopped);
  const type = response.headers.get("content-type") ?? "";
  if (response.ok || !/\bjson\b/.test(type)) {
    await response.body?.cancel();
    return unknown;
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) return unknown;
  const fields = body as Record<string, unknown>;
  return { status, title: text(fields["title"]), detail: text(fields["detail"]), code: text(fields["code"]) };
}

function ask(url: string, method: "HEAD" | "GET", stopped: AbortSignal): Promise<Response> {
  return fetch(url, {
    method,
    cache: "no-store",
    signal: AbortSignal.any([stopped, AbortSignal.timeout(answerTimeoutMs)]),
  });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
