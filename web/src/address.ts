/** What the page's own address says: which stream, where its media are, where to publish it, and how to show it. */

/** How the media come: FLV inside WebSocket messages, or FLV as the endless body of an HTTP response. */
export type Transport = "websocket" | "http";

export interface StreamAddress {
  /** `app/name`, as a person would write it. */
  readonly streamName: string;
  readonly mediaUrl: Record<Transport, string>;
  /** For other players and for publishers; without the page's credential, which is not theirs. */
  readonly rtmpServerUrl: string;
  readonly streamKey: string;
  readonly rtmpUrl: string;
  readonly flvUrl: string;
  readonly isLoopback: boolean;
  readonly hasToken: boolean;
}

export interface PageOptions {
  /** False: the page shows the picture only, to be embedded in another page. */
  readonly controls: boolean;
  /** False: sound is tried at once; browsers allow that only after the viewer has used the site. */
  readonly muted: boolean;
  readonly firstTransport: Transport;
}

/** Query parameters that belong to the media address and not to the page. */
const mediaParameters = ["audio", "video", "token"];

export function streamAddressOf(location: Location, rtmpPort: number): StreamAddress {
  const path = location.pathname.replace(/\/+$/, "");
  const streamName = readable(path.slice(1));
  const page = new URLSearchParams(location.search);
  const media = new URLSearchParams();
  for (const name of mediaParameters) {
    const value = page.get(name);
    if (value !== null) media.set(name, value);
  }
  const query = media.size === 0 ? "" : `?${media}`;
  const isSecure = location.protocol === "https:";
  const [app = "live", ...rest] = streamName.split("/");
  const streamKey = rest.join("/");
  const rtmpHost = rtmpPort === 1935 ? location.hostname : `${location.hostname}:${rtmpPort}`;
  const rtmpServerUrl = `rtmp://${rtmpHost}/${app}`;
  return {
    streamName,
    mediaUrl: {
      websocket: `${isSecure ? "wss" : "ws"}://${location.host}${path}.flv${query}`,
      http: `${location.origin}${path}.flv${query}`,
    },
    rtmpServerUrl,
    streamKey,
    rtmpUrl: `${rtmpServerUrl}/${streamKey}`,
    flvUrl: `${location.origin}${path}.flv`,
    isLoopback: /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname),
    hasToken: media.has("token"),
  };
}

/** `?controls=0` embeds, `?muted=0` tries sound at once, `?transport=http` leaves WebSocket out. */
export function pageOptionsOf(search: string): PageOptions {
  const page = new URLSearchParams(search);
  return {
    controls: page.get("controls") !== "0",
    muted: page.get("muted") !== "0",
    firstTransport: page.get("transport") === "http" ? "http" : "websocket",
  };
}

/** The stream's name for the eye: a name that is not valid is the server's to refuse, so it may not break the page. */
function readable(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
