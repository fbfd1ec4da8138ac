/** How to publish to exactly this stream: shown while nobody does. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { StreamAddress } from "../address.ts";
import { CopyField } from "./copy-field.tsx";

type Way = "obs" | "ffmpeg" | "gstreamer";

const ways: readonly { readonly id: Way; readonly name: string }[] = [
  { id: "obs", name: "OBS Studio" },
  { id: "ffmpeg", name: "ffmpeg" },
  { id: "gstreamer", name: "GStreamer" },
];

export function PublishHelp({ address }: { readonly address: StreamAddress }): JSX.Element {
  const way = useSignal<Way>("obs");
  return (
    <section class="card" aria-labelledby="publish-title">
      <div class="card-head">
        <h2 id="publish-title">Publish to {address.streamName}</h2>
        <fieldset class="tabs">
          <legend class="unseen">Publish with</legend>
          {ways.map(({ id, name }) => (
            <label key={id} class="tab">
              <input
                type="radio"
                name="way"
                checked={way.value === id}
                onChange={() => {
                  way.value = id;
                }}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {way.value === "obs" && <Obs address={address} />}
      {way.value === "ffmpeg" && <Ffmpeg address={address} />}
      {way.value === "gstreamer" && <Gstreamer address={address} />}
      {!address.isLoopback && (
        <p class="hint">
          From another machine than the server's own, publishing needs a token unless the server is configured
          otherwise: append <code>?token=…</code> to the stream key.
        </p>
      )}
    </section>
  );
}

function Obs({ address }: { readonly address: StreamAddress }): JSX.Element {
  return (
    <div class="way">
      <p>
        In <b>Settings → Stream</b> choose the service <b>Custom…</b> and enter:
      </p>
      <CopyField label="Server" text={address.rtmpServerUrl} />
      <CopyField label="Stream key" text={address.streamKey} />
      <p>
        For a short delay, in <b>Settings → Output</b> (advanced): keyframe interval <b>2 s</b>, tune <b>zerolatency</b>
        , profile <b>high</b>, no B-frames.
      </p>
    </div>
  );
}

function Ffmpeg({ address }: { readonly address: StreamAddress }): JSX.Element {
  const encoder = "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac";
  return (
    <div class="way">
      <CopyField
        label="A test picture"
        text={`ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 ${encoder} -f flv ${address.rtmpUrl}`}
      />
      <CopyField
        label="A file, again and again"
        text={`ffmpeg -re -stream_loop -1 -i input.mp4 ${encoder} -f flv ${address.rtmpUrl}`}
      />
    </div>
  );
}

function Gstreamer({ address }: { readonly address: StreamAddress }): JSX.Element {
  return (
    <div class="way">
      <CopyField
        label="A test picture"
        text={
          "gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,width=1280,height=720,framerate=30/1 ! " +
          "x264enc tune=zerolatency key-int-max=60 ! h264parse ! mux. " +
          "audiotestsrc is-live=true ! avenc_aac ! aacparse ! mux. " +
          `flvmux name=mux streamable=true ! rtmp2sink location=${address.rtmpUrl}`
        }
      />
    </div>
  );
}
