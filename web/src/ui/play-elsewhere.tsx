/** The stream's other addresses, for players that are not this page. */

import type { JSX } from "preact";
import type { StreamAddress } from "../address.ts";
import { CopyField } from "./copy-field.tsx";

export function PlayElsewhere({ address }: { readonly address: StreamAddress }): JSX.Element {
  return (
    <details class="card elsewhere">
      <summary>Play it elsewhere</summary>
      <div class="way">
        <CopyField label="VLC, mpv, ffplay: HTTP-FLV" text={address.flvUrl} />
        <CopyField label="RTMP" text={address.rtmpUrl} />
        <CopyField label="WebSocket-FLV, for mpegts.js" text={address.flvUrl.replace(/^http/, "ws")} />
        <CopyField
          label="Embed"
          text={`<iframe src="${address.flvUrl.replace(/\.flv$/, "")}?controls=0" allow="autoplay; fullscreen"></iframe>`}
        />
      </div>
    </details>
  );
}
