import { describe, expect, it } from "vitest";
import { framesOf } from "../../../../test/support/rtp-payloads.ts";
import { ERR_TRUNCATED } from "../../../bytes/coded-error.ts";
import { ERR_CODEC_LIMIT } from "../../../codecs/errors.ts";
import { parseAvcConfig } from "../../../codecs/h264/avc-config.ts";
import { maxNalUnitsPerAccessUnit } from "../../../codecs/limits.ts";
import { ERR_RTP_FRAME_TOO_LONG, ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED } from "../errors.ts";
import { maxFrameBytes } from "../limits.ts";
import type { RtpPayloadReader } from "../payload.ts";
import { openAv1Reader } from "./av1-depacketizer.ts";
import { openH264Reader, openH265Reader, openVvcReader } from "./nal-depacketizer.ts";
import { av1C, avcC, hvcC, vvcC } from "./video-payloads.cases.ts";
import { openVp8Reader } from "./vp8-depacketizer.ts";
import { openVp9Reader } from "./vp9-depacketizer.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

const [sps, pps] = [parseAvcConfig(avcC).sps[0]!.toHex(), parseAvcConfig(avcC).pps[0]!.toHex()];
const otherPps = "68ebecb22c";

/** payload, timestamp, and what there is to say of it. */
type Packet = readonly [payload: string, timestamp: number, flags?: "marker" | "lost" | "lost marker"];

/** The frames as `timestamp[k]: units`, with the lengths before them taken off, and what was refused. */
function read(reader: RtpPayloadReader, packets: readonly Packet[]): string[] {
  const out: string[] = [];
  for (const [payload, timestamp, flags = ""] of packets) {
    try {
      reader.handle(hex(payload), timestamp, flags.includes("marker"), flags.includes("lost"));
    } catch (error) {
      out.push((error as { code: string }).code);
    }
    for (const frame of framesOf(reader)) {
      const parts = [`${frame.timestamp}${frame.isKey ? "k" : ""}`, frame.data.toHex()];
      out.push([...parts, ...(frame.config === undefined ? [] : ["config"])].join(" "));
    }
  }
  return out;
}

describe("access units", () => {
  it.each<readonly [string, readonly Packet[], readonly string[]]>([
    [
      "end at the marker",
      [
        ["419a", 1, "marker"],
        ["419b", 2, "marker"],
      ],
      ["1 00000002419a", "2 00000002419b"],
    ],
    [
      "end at a new timestamp, when there is no marker",
      [
        ["419a", 1],
        ["411a", 1],
        ["419b", 2],
      ],
      ["1 00000002419a00000002411a"],
    ],
    [
      "take along parameter sets that have markers of their own (Hikvision)",
      [
        [`${sps}`, 1, "marker"],
        [`${pps}`, 1, "marker"],
        ["6588", 1, "marker"],
      ],
      [`1k 0000001a${sps}00000006${pps}000000026588`],
    ],
    [
      "take along parameter sets that have another timestamp",
      [
        ["0605", 1],
        ["6588", 2, "marker"],
      ],
      ["2k 000000020605000000026588"],
    ],
    [
      "of a sender whose every slice has a marker end at the timestamp, once that is known",
      [
        ["6588", 1, "marker"],
        ["6508", 1, "marker"],
        ["419a", 2, "marker"],
        ["411a", 2, "marker"],
        ["6589", 3, "marker"],
        ["6509", 3, "marker"],
        ["419c", 4, "marker"],
      ],
      ["1k 000000026588", "3k 000000026589000000026509"],
    ],
    [
      "may come as one piece with start codes",
      [["00000001 6588 000001 6508", 1, "marker"]],
      ["1k 000000026588000000026508"],
    ],
    [
      "may come with start codes inside of what claims to be an SPS (Ezviz)",
      [[`${sps} 00000001 ${pps} 00000001 6588aa`, 1, "marker"]],
      [`1k 0000001a${sps}00000006${pps}000000036588aa`],
    ],
    [
      "may be filled with zeros behind an aggregate's last unit",
      [["78 0002 419a 0000 00", 1, "marker"]],
      ["1 00000002419a"],
    ],
    ["may be in one fragment that is start and end", [["5c c1 9a", 1, "marker"]], ["1 00000002419a"]],
    [
      "may have a fragment without data",
      [
        ["5c 81 9a", 1],
        ["5c 41", 1, "marker"],
      ],
      ["1 00000002419a"],
    ],
    [
      "have no filler, nor an end of sequence of their own",
      [
        ["0cff", 1],
        ["0a", 1, "marker"],
        ["419a", 2, "marker"],
      ],
      ["2 00000002419a"],
    ],
    [
      "are not made of empty payloads",
      [
        ["", 1, "marker"],
        ["419a", 1, "marker"],
        ["", 1],
      ],
      ["1 00000002419a"],
    ],
  ])("%s", (_, packets, expected) => {
    expect(read(openH264Reader(avcC), packets)).toEqual(expected);
  });
});

describe("after a loss", () => {
  it.each<readonly [string, readonly Packet[], readonly string[], number]>([
    [
      "it goes on at the next key frame",
      [
        ["6588", 1, "marker"],
        ["419a", 3, "lost marker"],
        ["419b", 4, "marker"],
        ["6589", 5, "marker"],
        ["419c", 6, "marker"],
      ],
      ["1k 000000026588", "5k 000000026589", "6 00000002419c"],
      2,
    ],
    [
      "a key frame without its first slice is none",
      [
        ["6588", 1, "marker"],
        ["6508", 2, "lost marker"],
        ["419b", 3, "marker"],
        ["78 0002 68eb 0002 6589", 4, "lost marker"],
      ],
      ["1k 000000026588", "4k 0000000268eb000000026589 config"],
      2,
    ],
    [
      "the end of one unit and the beginning of the next are gone",
      [
        ["7c85 88", 1],
        ["7c05 01", 2, "lost"],
        ["7c45 02", 2, "marker"],
        ["6589", 3, "marker"],
      ],
      ["3k 000000026589"],
      2,
    ],
    [
      "a unit that nothing refers to is missed by nobody",
      [
        ["6588", 1, "marker"],
        ["1c81 9a", 2],
        ["1c41 02", 2, "lost marker"],
        ["419c", 3, "marker"],
      ],
      ["1k 000000026588", "3 00000002419c"],
      1,
    ],
    [
      "parameter sets without their picture are forgotten",
      [
        ["6588", 1, "marker"],
        [sps, 2],
        ["6589", 2, "lost marker"],
      ],
      ["1k 000000026588", "2k 000000026589"],
      0,
    ],
  ])("%s", (_, packets, expected, droppedFrameCount) => {
    const reader = openH264Reader(avcC);
    expect(read(reader, packets)).toEqual(expected);
    expect(reader.droppedFrameCount).toBe(droppedFrameCount);
  });

  it.each([
    ["RASL pictures of H.265", openH265Reader, hvcC, "2a01af", "1201d0", "0201d0"],
    ["RASL pictures of VVC", openVvcReader, vvcC, "0049c0", "0019d0", "0001d0"],
  ] as const)("%s are left out, because they refer to what was lost", (_, open, config, cra, rasl, trail) => {
    const stream: Packet[] = [
      [cra, 1, "marker"],
      [rasl, 2, "marker"],
      [trail, 3, "marker"],
    ];
    const frames = stream.map(([unit, timestamp], i) => `${timestamp}${i === 0 ? "k" : ""} 00000003${unit}`);
    expect(read(open(config), stream)).toEqual(frames);
    const reader = open(config);
    expect(read(reader, [[cra, 1, "lost marker"], ...stream.slice(1)])).toEqual([frames[0], frames[2]]);
    expect(reader.droppedFrameCount).toBe(1);
    expect(read(reader, stream)).toEqual(frames); // the next key frame has its own
  });
});

describe("a configuration in band", () => {
  it("is told with the frame, once", () => {
    const key = `78 001a${sps} 0006${pps} 0002 6588`;
    expect(
      read(openH264Reader(), [
        [key, 1, "marker"],
        [key, 2, "marker"],
      ]),
    ).toEqual([expect.stringMatching(/^1k .* config$/), expect.stringMatching(/^2k [0-9a-f]*$/)]);
  });

  it("is not told when the session description told the same", () => {
    expect(read(openH264Reader(avcC), [[`78 001a${sps} 0006${pps} 0002 6588`, 1, "marker"]])).toEqual([
      expect.not.stringContaining("config"),
    ]);
  });

  it("is told when it is another, with the sets that stayed", () => {
    const reader = openH264Reader(avcC);
    reader.handle(hex(`78 0005${otherPps} 0002 6588`), 1, true, false);
    const [frame] = framesOf(reader);
    expect(parseAvcConfig(frame!.config!)).toMatchObject({
      profileIdc: 100,
      levelIdc: 12,
      lengthSize: 4,
      sps: [hex(sps)],
      pps: [hex(otherPps)],
    });
  });

  it("of a frame that was dropped is told with the next", () => {
    const packets: Packet[] = [
      [`78 001a${sps} 0006${pps} 0002 6588`, 1],
      ["419a", 2, "lost marker"],
      ["6588", 3, "marker"],
    ];
    expect(read(openH264Reader(), packets)).toEqual(["3k 000000026588 config"]);
  });

  it("that is not understood is left to others", () => {
    expect(read(openH264Reader(), [["78 0002 67ff 0002 68ce 0002 6588", 1, "marker"]])).toEqual([
      "1k 0000000267ff0000000268ce000000026588",
    ]);
  });

  it("of AV1 is in the sequence header, and of VP9 in the key frame", () => {
    const av1 = [["28 0c 08000000043cfeccdaf90040 30 10001700", 1, "marker"]] as const;
    expect(read(openAv1Reader(), av1)).toEqual([expect.stringContaining(" config")]);
    expect(read(openAv1Reader(av1C), av1)).toEqual([expect.not.stringContaining("config")]);
    const reader = openVp9Reader();
    reader.handle(hex("8c 01 824983420013f00b360438241c184a00"), 1, true, false);
    expect(framesOf(reader)[0]!.config!.toHex()).toBe("01000000000b820202020000");
  });
});

describe("spatial layers of VP9", () => {
  it("become one superframe", () => {
    const packets: Packet[] = [
      ["ac 01 00 00 8249", 1],
      ["ac 01 02 00 86aabb", 1, "marker"],
    ];
    expect(read(openVp9Reader(), packets)).toEqual(["1k 824986aabbc902000300c9"]);
  });
});

describe("a payload is refused", () => {
  const long = new Uint8Array(70_000).fill(1);

  it.each<readonly [string, () => RtpPayloadReader, readonly string[], string]>([
    ["STAP-B", openH264Reader, ["79 0001 0002 419a"], ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["MTAP16", openH264Reader, ["7a 0001 0002 419a"], ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["MTAP24", openH264Reader, ["7b 0001 0002 419a"], ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["FU-B", openH264Reader, ["7d 85 0001 88"], ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["PACI of H.265", openH265Reader, ["6401 0000 2601af"], ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["a reserved type", openH264Reader, ["1f00"], ERR_RTP_PAYLOAD],
    ["an aggregate in an aggregate", openH264Reader, ["78 0005 78 0002 419a"], ERR_RTP_PAYLOAD],
    ["an aggregate without a unit", openH264Reader, ["78"], ERR_RTP_PAYLOAD],
    ["an aggregate with a size past its end", openH264Reader, ["78 0003 419a"], ERR_RTP_PAYLOAD],
    ["an aggregate that ends in a size", openH264Reader, ["78 0002 419a 01"], ERR_RTP_PAYLOAD],
    ["a fragment without its header", openH264Reader, ["7c"], ERR_RTP_PAYLOAD],
    ["a fragment of nothing", openH264Reader, ["7c05 01"], ERR_RTP_PAYLOAD],
    ["a fragment of something else", openH264Reader, ["7c85 88", "7c01 01"], ERR_RTP_PAYLOAD],
    ["a start inside of a unit", openH264Reader, ["7c85 88", "7c85 88"], ERR_RTP_PAYLOAD],
    ["a unit between fragments", openH264Reader, ["7c85 88", "0605"], ERR_RTP_PAYLOAD],
    ["a fragment of an aggregate", openH264Reader, ["7c98 88"], ERR_RTP_PAYLOAD],
    ["a unit that is marked as damaged", openH264Reader, ["c19a"], ERR_RTP_PAYLOAD],
    ["half a header", openH265Reader, ["26"], ERR_RTP_PAYLOAD],
    ["a temporal id of -1", openH265Reader, ["2600af"], ERR_RTP_PAYLOAD],
    [
      "more NAL units than a unit may have",
      openH264Reader,
      [`78${"000141".repeat(maxNalUnitsPerAccessUnit + 1)}`],
      ERR_CODEC_LIMIT,
    ],
    ["an OBU that goes on from nowhere", openAv1Reader, ["90 aabb"], ERR_RTP_PAYLOAD],
    ["an OBU that does not go on", openAv1Reader, ["50 30aa", "10 30bb"], ERR_RTP_PAYLOAD],
    ["fewer elements than announced", openAv1Reader, ["30 02 30aa"], ERR_RTP_PAYLOAD],
    ["an element past the end", openAv1Reader, ["20 09 30aa"], ERR_TRUNCATED],
    ["a forbidden bit", openAv1Reader, ["10 b0aa"], ERR_RTP_PAYLOAD],
    ["an OBU that ends in its header", openAv1Reader, ["10 34"], ERR_RTP_PAYLOAD],
    ["a descriptor alone", openVp8Reader, ["10"], ERR_RTP_PAYLOAD],
    ["a descriptor that is cut", openVp8Reader, ["90"], ERR_TRUNCATED],
    ["a partition from nowhere", openVp8Reader, ["00 aa"], ERR_RTP_PAYLOAD],
    ["a frame inside of a frame", openVp8Reader, ["10 50", "10 50"], ERR_RTP_PAYLOAD],
    ["a layer from nowhere", openVp9Reader, ["80 01 aa"], ERR_RTP_PAYLOAD],
    ["four references", openVp9Reader, ["d8 01 03030300 86"], ERR_RTP_PAYLOAD],
    ["a structure that is cut", openVp9Reader, ["8a 01 1801"], ERR_TRUNCATED],
  ])("%s", (_, open, payloads, code) => {
    const reader = open();
    expect(
      read(
        reader,
        payloads.map((payload) => [payload, 1]),
      ),
    ).toEqual([code]);
    expect(read(reader, [["", 1], ...(open === openH264Reader ? ([["6588", 2, "marker"]] as const) : [])]).length).toBe(
      open === openH264Reader ? 1 : 0,
    );
  });

  it("when fragments never end, and nothing of them is kept", () => {
    const reader = openH264Reader(avcC);
    const refused: unknown[] = [];
    const start = Uint8Array.of(0x7c, 0x85, ...long);
    const middle = Uint8Array.of(0x7c, 0x05, ...long);
    for (let i = 0; i < 1_000; i++) {
      try {
        reader.handle(i === 0 ? start : middle, 1, false, false);
      } catch (error) {
        refused.push((error as { code: string }).code);
      }
    }
    expect(refused).toEqual([ERR_RTP_FRAME_TOO_LONG]);
    expect(1_000 * long.length).toBeGreaterThan(8 * maxFrameBytes);
    expect(read(reader, [["6588", 2, "marker"]])).toEqual(["2k 000000026588"]);
    expect(reader.droppedFrameCount).toBe(1);
  });

  it("and the unit is dropped as a whole, up to the next key frame", () => {
    const reader = openH264Reader(avcC);
    expect(
      read(reader, [
        ["6588", 1],
        ["1f00", 1],
        ["6508", 1, "marker"],
        ["419a", 2, "marker"],
        ["6589", 3, "marker"],
      ]),
    ).toEqual([ERR_RTP_PAYLOAD, "3k 000000026589"]);
    expect(reader.droppedFrameCount).toBe(2);
  });
});
