/**
 * Cameras as users of other servers met them: what each describes, answers and sends, and what of it becomes a stream. Named after
 * the device; the reports are public. What is not said is as a camera does that does everything right.
 */

export interface CameraCase {
  readonly name: string;
  /** Sections of the description, or all of it when it begins with a line of the session. */
  readonly sdp?: readonly string[];
  /** In place of the answer to the request of this method: lines, the empty line is added. `{cseq}` is that of the request. */
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  /** What comes in front of the answer to PLAY. */
  readonly early?: readonly CameraPacket[];
  /** What comes behind it. */
  readonly packets?: readonly CameraPacket[];
  /** Tracks of the stream; H.264 and the sound of the packets when it is not said. */
  readonly tracks?: readonly string[];
  /** Kinds of the frames that come of the packets: "K" and "P" for pictures, "a" for sound. */
  readonly frames: string;
  /** SETUPs that the camera is asked for. */
  readonly setUps?: readonly string[];
  /** The try ends with this. */
  readonly errorCode?: string;
}

export interface CameraPacket {
  readonly channel?: number;
  readonly payloadType?: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc?: number;
  readonly isLast?: boolean;
  /** Bytes of padding that are added. */
  readonly padding?: number;
  readonly payload: readonly number[];
}

/** Sequence and presentation parameter sets of a real encoder. */
const sps = Array.from(Uint8Array.fromBase64("Z2QAKqwsaoHgCJ+WbgoCCoAAAAMAgAAAD0I="));
const pps = Array.from(Uint8Array.fromBase64("aO4xshs="));
const sprop = "Z2QAKqwsaoHgCJ+WbgoCCoAAAAMAgAAAD0I=,aO4xshs=";

const h264 = [
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sprop}`,
  "a=control:trackID=1",
];
const h264InBand = ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:trackID=1"];
const pcma = ["m=audio 0 RTP/AVP 8", "a=control:trackID=2"];

const picture = (sequence: number, timestamp: number, isKey: boolean): CameraPacket => ({
  ...{ sequence, timestamp, isLast: true },
  payload: [isKey ? 0x65 : 0x41, 0x88, 0x84, sequence & 0xff],
});
const sound = (sequence: number, timestamp: number): CameraPacket => ({
  ...{ channel: 2, payloadType: 8, sequence, timestamp, isLast: true },
  payload: new Array<number>(160).fill(0x55),
});
const threePictures = [picture(1, 9_000, true), picture(2, 12_600, false), picture(3, 16_200, false)];

export const cameraCases: readonly CameraCase[] = [
  {
    name: "a camera that does everything right",
    packets: [...threePictures, sound(1, 0), sound(2, 160)],
    frames: "KPPaa",
  },
  {
    // RTSP over TCP begins to send with the answer, or before it.
    name: "hikvision-ds-2cd: packets in front of the answer to PLAY (Retina #11)",
    early: threePictures.slice(0, 2),
    packets: [picture(3, 16_200, false)],
    frames: "KPP",
  },
  {
    // bluenviron/gortsplib #88
    name: "hikvision-media-server-v3: no sprop-parameter-sets, which come in band, and names in other cases",
    sdp: [
      ...["m=video 0 RTP/AVP 96", "i=Video Media", "a=rtpmap:96 H264/90000", "a=control:trackID=1"],
      ...["a=fmtp:96 profile-level-id=4D0014;packetization-mode=0", "b=AS:2048"],
      ...["m=audio 0 RTP/AVP 104", "i=Audio Media", "a=rtpmap:104 MPEG4-GENERIC/48000", "a=control:trackID=2"],
      "a=fmtp:104 streamtype=5;profile-level-id=15;mode=AAC-hbr;config=1190;SizeLength=13;IndexLength=3;IndexDeltaLength=3;Profile=1;",
      ...["b=AS:128", "a=Media_header:MEDIAINFO=494D4B4801010000;", "a=appversion:1.0"],
    ],
    packets: [
      { sequence: 1, timestamp: 9_000, payload: sps },
      { sequence: 2, timestamp: 9_000, payload: pps },
      picture(3, 9_000, true),
      { channel: 2, payloadType: 104, sequence: 1, timestamp: 0, isLast: true, payload: [0, 16, 0, 16, 0x21, 0x10] },
    ],
    tracks: ["h264/90000", "aac/48000"],
    frames: "Ka",
  },
  {
    // bluenviron/gortsplib #479
    name: "dahua-onvif: sections that the camera wants to be sent, and metadata",
    sdp: [
      ...h264,
      ...[...pcma, "a=recvonly"],
      ...["m=application 0 RTP/AVP 107", "a=control:trackID=4", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=recvonly"],
      ...["m=audio 0 RTP/AVP 116 115 97 0 8", "a=control:trackID=5", "a=rtpmap:116 MPEG4-GENERIC/64000"],
      ...["a=rtpmap:115 MPEG4-GENERIC/48000", "a=rtpmap:97 MPEG4-GENERIC/16000", "a=sendonly"],
    ],
    packets: [...threePictures, sound(1, 0)],
    setUps: ["trackID=1", "trackID=2"],
    frames: "KPPa",
  },
  {
    name: "a server that marks all it sends as sendonly",
    sdp: [...h264, "a=sendonly", ...pcma, "a=sendonly"],
    packets: [...threePictures, sound(1, 0)],
    frames: "KPPa",
  },
  {
    // bluenviron/mediamtx #832
    name: "samsung-snh-p6410bn: a section of application data without an rtpmap",
    sdp: [...h264, ...pcma, "m=application 42508 RTP/AVP 107", "b=AS:8", "a=control:trackID=3"],
    packets: [...threePictures, sound(1, 0)],
    setUps: ["trackID=1", "trackID=2"],
    frames: "KPPa",
  },
  {
    // AlexxIT/go2rtc #336
    name: "tplink-ipc54na: a section of a kind of its own",
    sdp: [
      ...h264,
      ...pcma,
      "m=application/TP-LINK 0 RTP/AVP smart/1/90000",
      "a=rtpmap:95 TP-LINK/90000",
      "a=control:track3",
    ],
    packets: threePictures,
    setUps: ["trackID=1", "trackID=2"],
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #2128
    name: "a distribution server: an origin of IPV4",
    sdp: ["v=0", "o=- 1 1 IN IPV4 10.10.10.10", "s=x", "t=0 0", ...h264],
    packets: threePictures,
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #5442
    name: "a device whose session id is a hexadecimal number behind two blanks",
    sdp: ["v=0", "o=-  2EC08200 1 IN IP4 10.0.0.9", "s=x", "t=0 0", ...h264],
    packets: threePictures,
    frames: "KPP",
  },
  {
    // AlexxIT/go2rtc #679
    name: "a device that describes nothing but a section",
    sdp: h264InBand,
    packets: [
      { sequence: 1, timestamp: 0, payload: sps },
      { sequence: 2, timestamp: 0, payload: pps },
      picture(3, 0, true),
    ],
    frames: "K",
  },
  {
    // bluenviron/mediamtx #336
    name: "reolink-rlc-410: RTP-Info with an SSRC in it",
    answers: {
      PLAY: [
        "RTSP/1.0 200 OK",
        "CSeq: {cseq}",
        "Session: 1",
        "Range: npt=now-",
        "RTP-Info: url=trackID=1;seq=1;rtptime=0;ssrc=0A0B0C0D",
      ],
    },
    packets: threePictures,
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #1118
    name: "uniden-sds200: an SSRC in Transport that is none",
    sdp: ["m=audio 0 RTP/AVP 8", "a=control:trackID=2"],
    answers: {
      SETUP: [
        "RTSP/1.0 200 OK",
        "CSeq: {cseq}",
        "Session: 1",
        'Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc= 0;mode="PLAY"',
      ],
    },
    packets: [sound(1, 0), sound(2, 160)],
    frames: "aa",
  },
  {
    // bluenviron/gortsplib #480
    name: "a cheap camera whose SSRC becomes 0 on the way",
    packets: [
      ...threePictures.map((each) => ({ ...each, ssrc: 2 })),
      { ...picture(4, 19_800, true), ssrc: 0 },
      { ...picture(5, 23_400, false), ssrc: 0 },
    ],
    frames: "KPPKP",
  },
  {
    name: "a camera whose SSRC is 0",
    packets: threePictures.map((each) => ({ ...each, ssrc: 0 })),
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #5819
    name: "an nvr that sends sound that it never described",
    sdp: h264,
    packets: [threePictures[0]!, { ...sound(1, 0), channel: 0, sequence: 2 }, picture(3, 12_600, false)],
    frames: "KP",
  },
  {
    name: "packets with padding (RFC 3550 §5.1)",
    packets: threePictures.map((each) => ({ ...each, padding: 4 })),
    frames: "KPP",
  },
  {
    name: "a camera whose sound stands still in time",
    packets: [threePictures[0]!, sound(1, 0), sound(2, 0), sound(3, 0), picture(2, 12_600, false)],
    frames: "KaaaP",
  },
  {
    name: "a camera that sends RTP on the channel of RTCP",
    packets: threePictures.map((each) => ({ ...each, channel: 1 })),
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #34
    name: "amcrest: empty headers, and a camera that calls OPTIONS an invalid method",
    answers: {
      OPTIONS: ["RTSP/1.0 551 Invalid Method", "CSeq: {cseq}", "Server:", "Public: "],
      DESCRIBE: [],
    },
    packets: threePictures,
    frames: "KPP",
  },
  {
    // bluenviron/mediamtx #2348
    name: "a challenge in other words, with what should be quoted bare",
    answers: {
      DESCRIBE: [
        "RTSP/1.0 401 ClientUnAuthorized",
        "CSeq: {cseq}",
        'WWW-Authenticate: Digest realm=c479050d9049, nonce=b16fe9a49d9b, stale="FALSE"',
      ],
    },
    packets: threePictures,
    frames: "KPP",
  },
  {
    name: "a camera without CSeq, and with a time-out that is none",
    answers: {
      SETUP: ["RTSP/1.0 200 OK", "Session: 12345678;timeout=60.5", "Transport: {transport}"],
      PLAY: ["RTSP/1.0 200 OK", "Session: 12345678;timeout=0"],
    },
    packets: threePictures,
    frames: "KPP",
  },
  {
    name: "a camera that never names a session",
    answers: {
      SETUP: ["RTSP/1.0 200 OK", "CSeq: {cseq}", "Transport: {transport}"],
      PLAY: ["RTSP/1.0 200 OK", "CSeq: {cseq}"],
    },
    packets: threePictures,
    frames: "KPP",
  },
  {
    name: "a camera behind a NAT: the controls have the address that it believes to have",
    sdp: [
      ...["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", `a=fmtp:96 sprop-parameter-sets=${sprop}`],
      "a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1",
    ],
    packets: threePictures,
    setUps: ["rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1"],
    frames: "KPP",
  },
  {
    name: "a clock that is wrong in the rtpmap: H.264 is 90 kHz, whatever is written",
    sdp: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/25",
      `a=fmtp:96 sprop-parameter-sets=${sprop}`,
      "a=control:trackID=1",
    ],
    packets: threePictures,
    tracks: ["h264/90000"],
    frames: "KPP",
  },
  {
    name: "nothing that can be taken: Motion JPEG",
    sdp: ["m=video 0 RTP/AVP 26", "a=control:trackID=1"],
    frames: "",
    errorCode: "ERR_NOTHING_TO_PUBLISH",
  },
];

/** What a camera describes of which nothing else is said. */
export const usualSections: readonly string[] = [...h264, ...pcma];
