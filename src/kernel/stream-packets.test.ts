import { beforeEach, describe, expect, test } from "vitest";
import { append, bytesOf, plainFormat, startText, textOf, videoFormat } from "../../test/support/kernel.ts";
import type { Packet, WireFormat } from "./egress.ts";
import { Engine } from "./engine.ts";
import type { Track } from "./frame.ts";
import { entryFlags } from "./log-layout.ts";
import type { Publication } from "./publication.ts";
import type { Stream } from "./stream.ts";
import { parseStreamName } from "./stream-name.ts";

let publication: Publication;
let stream: Stream;
let video: Track;
let timeMs = 0;

beforeEach(() => {
  const engine = new Engine({ clock: { monotonicMs: () => 0, wallMs: () => 0 } });
  publication = engine.openPublication(parseStreamName("live/cam"), { name: "live/cam", protocol: "test" }, () => {});
  stream = publication.stream;
  video = publication.setTrack("video", 0, videoFormat);
  timeMs = 0;
});

function publish(word: string, cameAsPackets = false): void {
  publication.publish(video, timeMs, timeMs, word.startsWith("K"), bytesOf(word), cameAsPackets);
  timeMs += 40;
}

const ignore = (): void => {};

describe("packets of a frame that is not whole yet", () => {
  const packet = (word: string, startsFrame = true): Packet => ({
    track: video,
    ptsTicks: timeMs,
    startsFrame,
    isKey: false,
    protocol: "words",
    content: word,
  });
  /** Puts packets into its log as they are, and frames in brackets. */
  const packetFormat: WireFormat = {
    key: "packets",
    createPacketizer: (log) => ({
      handleFrame(frame, _isRandomAccess, cameAsPackets) {
        if (!cameAsPackets) append(log, bytesOf(`[${textOf(frame.data)}]`), frame.isKey ? entryFlags.key : 0);
      },
      handlePacket({ content }) {
        if (content === "broken") throw new TypeError("ours");
        if (content !== "foreign") append(log, bytesOf(content as string), 0);
      },
      handleMetadata: () => {},
    }),
  };

  test("go to the logs that take them at once, and to nothing else", () => {
    publish("K1");
    const quick = stream.leaseLog(packetFormat, ignore);
    const slow = stream.leaseLog(plainFormat("plain"), ignore);
    const rung: string[] = [];
    quick.log.addDoorbell(() => rung.push("quick"));
    slow.log.addDoorbell(() => rung.push("slow"));
    publication.publishPacket(packet("a"));
    publication.publishPacket(packet("b", false));
    publication.publishPacket(packet("foreign"));
    expect(startText(quick.log)).toBe("[K1]ab");
    expect(rung).toEqual(["quick", "quick"]);
    publish("ab", true);
    expect(rung).toEqual(["quick", "quick", "slow"]);
    expect([startText(quick.log), startText(slow.log)]).toEqual(["[K1]ab", "<P>K1ab"]);
    expect(stream.window.frameCount).toBe(2);
  });

  test("are where a log begins only as frames", () => {
    publish("K1");
    publication.publishPacket(packet("a"));
    publish("a", true);
    expect(startText(stream.leaseLog(packetFormat, ignore).log)).toBe("[K1][a]");
  });

  test("move the end of the timeline, and cost the log that breaks on them", () => {
    publish("K1");
    const { log } = stream.leaseLog(packetFormat, ignore);
    timeMs += 1_000;
    publication.publishPacket(packet("a"));
    expect(stream.newestFrameMs).toBe(timeMs);
    publication.publishPacket(packet("broken"));
    expect([log.isClosed, stream.counters.brokenLogCount]).toEqual([true, 1]);
  });
});
