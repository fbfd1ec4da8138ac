/** What a person sees when the server starts on a terminal: where to publish, where to play, and what is open to whom. */

import type { AccessRule, Config } from "../config/schema.ts";

export interface BannerInfo {
  readonly version: string;
  /** The host to write into addresses: a name or an IP address under which this machine is reached. */
  readonly host: string;
  /** The ports that are listened on; undefined for what is off. */
  readonly rtmpPort: number | undefined;
  readonly rtmpsPort: number | undefined;
  readonly rtspPort: number | undefined;
  readonly rtspsPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly access: Config["access"];
}

/** The banner, with a newline at its end and without colours. Contains no secret. */
export function formatBanner(info: BannerInfo): string {
  const { access } = info;
  const rules: readonly (readonly [what: string, who: string, option: string])[] = [
    ["Publishing", openTo(access.publish, access.publishToken), "access.publish, access.publish_token"],
    ["Playing", openTo(access.play, access.playToken), "access.play, access.play_token"],
    ["Management", openTo(access.management, ""), "access.management"],
  ];
  const whoWidth = Math.max(...rules.map(([, who]) => who.length));
  const lines = [
    `Millrace ${info.version}`,
    "",
    ...addressLines(info),
    "",
    ...rules.map(([what, who, option]) => row(what, `${who.padEnd(whoWidth)}   (${option})`)),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function addressLines({ host, rtmpPort, rtmpsPort, rtspPort, rtspsPort, httpPort }: BannerInfo): string[] {
  const at = (scheme: string, port: number, path: string): string =>
    `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}/${path}`;
  const lines: string[] = [];
  if (rtmpPort !== undefined) lines.push(row("Publish to", at("rtmp", rtmpPort, "live/cam")));
  if (rtmpsPort !== undefined) lines.push(row("Publish to", at("rtmps", rtmpsPort, "live/cam")));
  if (rtspPort !== undefined) lines.push(row("Publish to", at("rtsp", rtspPort, "live/cam")));
  if (rtspsPort !== undefined) lines.push(row("Publish to", at("rtsps", rtspsPort, "live/cam")));
  if (rtmpPort !== undefined) {
    lines.push(row("In OBS", `server ${at("rtmp", rtmpPort, "live")}, stream key cam`));
    lines.push(row("Play", at("rtmp", rtmpPort, "live/cam")));
  }
  if (rtspPort !== undefined) lines.push(row("Play", at("rtsp", rtspPort, "live/cam")));
  if (httpPort !== undefined) {
    lines.push(row("Play", at("http", httpPort, "live/cam.flv")));
    lines.push(row("Watch at", at("http", httpPort, "live/cam")));
  }
  return lines;
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(12)}${text}`;
}

function openTo(rule: AccessRule, token: string): string {
  switch (rule) {
    case "anyone":
      return "anyone who reaches the port";
    case "token":
      return "whoever has the token";
    case "loopback":
      return token === "" ? "this machine only" : "this machine, and others with the token";
  }
}
