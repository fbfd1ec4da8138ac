/**
 * What servers and cameras answer, step by step, and what our client makes of it. Named after the device; the reports are public
 * (trackers of MediaMTX, gortsplib, go2rtc, Retina, ZoneMinder, ZLMediaKit and others).
 */

import type { RtspClientOptions } from "./client-events.ts";
import { sdpOf } from "./pair.cases.ts";

export interface ClientStep {
  /** How the request begins, or what has to be in it. */
  readonly request: string | RegExp;
  /** Lines; the empty line is added. CSeq is that of the request unless it is written. */
  readonly answer: string;
  readonly body?: string;
}

export interface ClientCase {
  readonly name: string;
  readonly options?: Partial<RtspClientOptions>;
  readonly steps: readonly ClientStep[];
  /** What "ready" says of each track. */
  readonly transports?: readonly object[];
  readonly errorCode?: string;
}

const ok = "RTSP/1.0 200 OK";
const options: ClientStep = { request: "OPTIONS rtsp://", answer: `${ok}\nPublic: DESCRIBE, SETUP, TEARDOWN, PLAY` };
const oneTrack = sdpOf(["trackID=1"]);
const twoTracks = sdpOf(["trackID=1", "trackID=2"]);

function describe(base: string, body: string): ClientStep {
  const header = base === "" ? "" : `\nContent-Base: ${base}`;
  return {
    request: "DESCRIBE rtsp://host/live/cam RTSP/1.0",
    answer: `${ok}\nContent-Type: application/sdp${header}`,
    body,
  };
}

function setUp(url: string, answer: string): ClientStep {
  return { request: `SETUP ${url} RTSP/1.0`, answer: `${ok}\nSession: 1\n${answer}` };
}

function play(url: string): ClientStep {
  return { request: `PLAY ${url} RTSP/1.0`, answer: ok };
}

const tcp = (rtp: number): object => ({ kind: "tcp", channels: [rtp, rtp + 1] });
const setUpTcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";

export const clientCases: readonly ClientCase[] = [
  {
    name: "a server that does everything right",
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      setUp("rtsp://host/live/cam/trackID=2", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0), tcp(2)],
  },
  {
    name: "Streaming Server/2.9 (gortsplib #72): other channels than were asked for",
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/TCP;unicast;interleaved=8-9;ssrc=2A27A3FB"),
      setUp("rtsp://host/live/cam/trackID=2", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(8), tcp(4)],
  },
  {
    name: "the same channels for each track",
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      setUp("rtsp://host/live/cam/trackID=2", setUpTcp),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0), tcp(2)],
  },
  {
    name: "our channels of the second track for the first",
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"),
      setUp("rtsp://host/live/cam/trackID=2", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(2), tcp(0)],
  },
  {
    name: "G300A (gortsplib #142): no channels in the answer",
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/TCP;unicast"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "gortsplib #456: no Transport in the answer",
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", "Server: camera"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "VStarcam (Retina #9): no control for the session, no Content-Base",
    steps: [
      options,
      describe("", sdpOf(["track0"])),
      setUp("rtsp://host/live/cam/track0", setUpTcp),
      play("rtsp://host/live/cam"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "Beward (OvenMediaEngine #1245): Content-Base without a slash",
    steps: [
      options,
      describe("rtsp://host/av0_1", oneTrack),
      setUp("rtsp://host/av0_1/trackID=1", setUpTcp),
      play("rtsp://host/av0_1"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "RTSP Security Camera for Android (MediaMTX #825, #6167): Content-Base without a scheme",
    steps: [
      options,
      describe("10.11.12.88:1935/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      play("rtsp://host/live/cam"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "a camera that writes its IPv6 address bare",
    steps: [
      options,
      describe("rtsp://::ffff:192.168.1.123/live/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      play("rtsp://host/live/cam"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "a server with Content-Location only",
    steps: [
      options,
      { ...describe("", oneTrack), answer: `${ok}\nContent-Location: rtsp://host/elsewhere/` },
      setUp("rtsp://host/elsewhere/trackID=1", setUpTcp),
      play("rtsp://host/elsewhere/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "Axis (gortsplib #61) and Vivotek: the control goes behind the query",
    options: { url: "rtsp://host/axis-media/media.amp?camera=1&fps=0" },
    steps: [
      options,
      { request: "DESCRIBE rtsp://host/axis-media/media.amp?camera=1&fps=0 RTSP/1.0", answer: ok, body: oneTrack },
      setUp("rtsp://host/axis-media/media.amp?camera=1&fps=0/trackID=1", setUpTcp),
      play("rtsp://host/axis-media/media.amp?camera=1&fps=0"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "Bosch (gortsplib #120): absolute controls with a query",
    steps: [
      options,
      describe("rtsp://host/", sdpOf(["rtsp://host/?rtsp_tunnel&stream=video"])),
      setUp("rtsp://host/?rtsp_tunnel&stream=video", setUpTcp),
      play("rtsp://host/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "html5_rtsp_player #37: a control that repeats the path",
    steps: [
      options,
      describe("", sdpOf(["/live/cam?track=1"])),
      setUp("rtsp://host/live/cam?track=1", setUpTcp),
      play("rtsp://host/live/cam"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "a control with a slash in front",
    steps: [
      options,
      describe("rtsp://host/live/cam/", sdpOf(["/trackID=1"])),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "Dahua: a session control of *, and Foscam (CSeq of its own)",
    steps: [
      { ...options, answer: `${ok}\nCseq: 0\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN` },
      {
        ...describe("rtsp://host/live/cam/", twoTracks.replace("t=0 0\r\n", "t=0 0\r\na=control:*\r\n")),
        answer: `${ok}\nCSeq: 2 \nContent-Base: rtsp://host/live/cam/`,
      },
      { ...setUp("rtsp://host/live/cam/trackID=1", setUpTcp), answer: `${ok}\nSession: 5 ; timeout=60` },
      { ...setUp("rtsp://host/live/cam/trackID=2", ""), answer: `${ok}\nCSeq: abc` },
      { request: /^PLAY rtsp:\/\/host\/live\/cam\/ RTSP\/1\.0\r\n(?:.*\r\n)*Session: 5\r\n/, answer: ok },
    ],
    transports: [tcp(0), tcp(2)],
  },
  {
    name: "a camera that does not know OPTIONS, and has bad header lines",
    steps: [
      { ...options, answer: "RTSP/1.0 501 Not Implemented" },
      {
        ...describe("rtsp://host/live/cam/", oneTrack),
        answer: `${ok}\nnonsense\nContent-Base : rtsp://host/live/cam/`,
      },
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "RTP-Info of Axis",
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", setUpTcp),
      setUp("rtsp://host/live/cam/trackID=2", "Server: x"),
      {
        ...play("rtsp://host/live/cam/"),
        answer: `${ok}\nRTP-Info: url=rtsp://host/live/cam/trackID=2;seq=15727;rtptime=1171661503, url=trackID=1;seq=70000`,
      },
    ],
    transports: [tcp(0), tcp(2)],
  },
  {
    name: "over UDP, with what the server says of its ports",
    options: { transport: "udp" },
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      {
        ...setUp(
          "rtsp://host/live/cam/trackID=1",
          "Transport: RTP/AVP/UDP;unicast;source=10.0.0.1;client_port=40000-40001;server_port=3046-3047;ssrc= 4317f",
        ),
        request: /Transport: RTP\/AVP;unicast;client_port=40000-40001\r\n/,
      },
      play("rtsp://host/live/cam/"),
    ],
    transports: [{ kind: "udp", clientPorts: [40_000, 40_001], serverPorts: [3046, 3047], source: "10.0.0.1" }],
  },
  {
    name: "smolrtsp #31: no server_port",
    options: { transport: "udp" },
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/UDP; unicast; client_port=40000-40001"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [{ kind: "udp", clientPorts: [40_000, 40_001], serverPorts: undefined, source: undefined }],
  },
  {
    name: "a server that answers TCP to UDP",
    options: { transport: "udp" },
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"),
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(4)],
  },
  {
    name: "VLC as a server (Retina #103): UDP whatever is asked",
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP/UDP;unicast;client_port=1-2;server_port=5000-5001"),
    ],
    errorCode: "ERR_RTSP_TRANSPORT",
  },
  {
    name: "461 to UDP: the same over TCP",
    options: { transport: "auto" },
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      {
        request: /^SETUP (?:.*\r\n)*Transport: RTP\/AVP;unicast;client_port/,
        answer: "RTSP/1.0 461 Unsupported Transport",
      },
      { request: /^SETUP (?:.*\r\n)*Transport: RTP\/AVP\/TCP;unicast;interleaved=0-1/, answer: `${ok}\nSession: 1` },
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "461 to UDP for the second track: all anew over TCP",
    options: { transport: "auto" },
    steps: [
      options,
      describe("rtsp://host/live/cam/", twoTracks),
      setUp("rtsp://host/live/cam/trackID=1", "Transport: RTP/AVP;unicast;client_port=40000-40001;server_port=1-2"),
      {
        request: /^SETUP (?:.*\r\n)*Transport: RTP\/AVP;unicast;client_port/,
        answer: "RTSP/1.0 461 Unsupported Transport",
      },
      { request: /^TEARDOWN (?:.*\r\n)*Session: 1\r\n/, answer: "RTSP/1.0 454 Session Not Found" },
      {
        request: /^SETUP [^\r]*trackID=1 RTSP(?!(?:.*\r\n)*Session)(?:.*\r\n)*Transport: RTP\/AVP\/TCP/,
        answer: `${ok}\nSession: 2`,
      },
      { request: /^SETUP (?:.*\r\n)*Session: 2\r\n/, answer: ok },
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0), tcp(2)],
  },
  {
    name: "461 to TCP",
    steps: [
      options,
      describe("rtsp://host/live/cam/", oneTrack),
      { request: "SETUP rtsp://", answer: "RTSP/1.0 461 Unsupported Transport" },
    ],
    errorCode: "ERR_RTSP_TRANSPORT",
  },
  {
    name: "404",
    steps: [options, { request: "DESCRIBE rtsp://", answer: "RTSP/1.0 404 Not Found" }],
    errorCode: "ERR_RTSP_REFUSED",
  },
  {
    name: "a redirection too many",
    options: { redirectCount: 5 },
    steps: [options, { request: "DESCRIBE rtsp://", answer: "RTSP/1.0 302 Found\nLocation: rtsp://other/live" }],
    errorCode: "ERR_RTSP_REDIRECT",
  },
  {
    name: "a redirection to nowhere",
    steps: [options, { request: "DESCRIBE rtsp://", answer: "RTSP/1.0 301 Moved Permanently" }],
    errorCode: "ERR_RTSP_REDIRECT",
  },
  {
    name: "a redirection to something else",
    steps: [options, { request: "DESCRIBE rtsp://", answer: "RTSP/1.0 302 Found\nLocation: http://other/live" }],
    errorCode: "ERR_RTSP_URL",
  },
  {
    name: "a password that nobody gave us",
    steps: [
      options,
      { request: "DESCRIBE rtsp://", answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic realm="x"' },
    ],
    errorCode: "ERR_RTSP_UNAUTHORIZED",
  },
  {
    name: "iPOLiS (the same nonce for ever): a wrong password is asked for once",
    options: { url: "rtsp://admin:wrong@host/live/cam" },
    steps: [
      options,
      {
        request: "DESCRIBE rtsp://host/live/cam RTSP/1.0",
        answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm="iPOLiS", nonce="3E6D"',
      },
      {
        request:
          /\r\nAuthorization: Digest username="admin", realm="iPOLiS", nonce="3E6D", uri="rtsp:\/\/host\/live\/cam", response="[0-9a-f]{32}"\r\n/,
        answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm="iPOLiS", nonce="3E6D"',
      },
    ],
    errorCode: "ERR_RTSP_UNAUTHORIZED",
  },
  {
    name: "a new nonce each time: a wrong password is given up",
    options: { url: "rtsp://admin:wrong@host/live/cam" },
    steps: [0, 1, 2, 3].map((i) => ({
      request: i === 0 ? "OPTIONS" : /^OPTIONS (?:.*\r\n)*Authorization/,
      answer: `RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm="x", nonce="${i}"`,
    })),
    errorCode: "ERR_RTSP_UNAUTHORIZED",
  },
  {
    name: "Hikvision: another nonce for SETUP than for DESCRIBE, and Basic beside Digest",
    options: { url: "rtsp://admin:p%40ss@host/live/cam" },
    steps: [
      {
        request: "OPTIONS",
        answer:
          'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic realm="x"\nWWW-Authenticate: Digest realm="x", nonce="a", stale="FALSE"',
      },
      { request: /^OPTIONS (?:.*\r\n)*Authorization: Digest (?:.*)nonce="a"/, answer: ok },
      {
        ...describe("rtsp://host/live/cam/", oneTrack),
        request: /^DESCRIBE (?:.*\r\n)*Authorization: Digest (?:.*)nonce="a"/,
      },
      {
        request: /^SETUP (?:.*\r\n)*Authorization: Digest (?:.*)nonce="a"/,
        answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm="x", nonce="b"',
      },
      { request: /^SETUP (?:.*\r\n)*Authorization: Digest (?:.*)nonce="b"/, answer: `${ok}\nSession: 1` },
      play("rtsp://host/live/cam/"),
    ],
    transports: [tcp(0)],
  },
  {
    name: "SHA-256 is preferred, and qop counts",
    options: { url: "rtsp://Mufasa:x@host/live/cam" },
    steps: [
      {
        request: "OPTIONS",
        answer:
          'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm="x", nonce="a", algorithm=MD5, Digest realm="x", nonce="b", algorithm=SHA-256, qop="auth,auth-int", opaque="o"',
      },
      {
        request:
          /Authorization: Digest .*nonce="b".*response="[0-9a-f]{64}", algorithm=SHA-256, opaque="o", qop=auth, nc=00000001, cnonce="0{16}"/,
        answer: ok,
      },
      { ...describe("rtsp://host/live/cam/", oneTrack), request: /nc=00000002, cnonce="(?:01){8}"/ },
    ],
  },
  {
    name: "a camera that knows nothing but Basic",
    options: { url: "rtsp://Aladdin:open%20sesame@host/live/cam" },
    steps: [
      { request: "OPTIONS", answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic realm="x"' },
      { request: /Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n/, answer: ok },
    ],
  },
  {
    name: "the same where Basic is not allowed",
    options: { url: "rtsp://Aladdin:open%20sesame@host/live/cam", allowsBasic: false },
    steps: [{ request: "OPTIONS", answer: 'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic realm="x"' }],
    errorCode: "ERR_RTSP_UNAUTHORIZED",
  },
];
