/** Header values: what is written, what it means, and how we write it. They feed parse, write, round trip and fuzz seeds. */

import type { RtspChallenge } from "./authenticate.ts";
import type { RtspAuthorization } from "./authorization.ts";
import type { RtspRange } from "./range.ts";
import type { RtpInfo } from "./rtp-info.ts";
import type { SessionHeader } from "./session-header.ts";
import type { RtspTransport } from "./transport.ts";

export interface HeaderCase<T> {
  readonly text: string;
  readonly value: T;
  /** When it is not what was read. */
  readonly written?: string;
}

const avp = { profile: "RTP/AVP", lower: "udp", isLowerWritten: false } as const;
const avpTcp = { profile: "RTP/AVP", lower: "tcp", isLowerWritten: true } as const;
const avpUdp = { profile: "RTP/AVP", lower: "udp", isLowerWritten: true } as const;

export const transportCases: readonly HeaderCase<RtspTransport[]>[] = [
  {
    text: "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
    value: [{ ...avpTcp, delivery: "unicast", interleaved: [0, 1], mode: "record" }],
  },
  {
    text: 'RTP/AVP;unicast;client_port=3456-3457;mode="PLAY"',
    value: [{ ...avp, delivery: "unicast", clientPorts: [3456, 3457], mode: "play" }],
    written: "RTP/AVP;unicast;client_port=3456-3457;mode=play",
  },
  {
    text: 'client_port=3456-3457;RTP/AVP;mode="PLAY";unicast',
    value: [{ ...avp, delivery: "unicast", clientPorts: [3456, 3457], mode: "play" }],
    written: "RTP/AVP;unicast;client_port=3456-3457;mode=play",
  },
  {
    text: "RTP/AVP;unicast;client_port=3456-3457;mode=play,RTP/AVP/TCP;unicast;interleaved=0-1",
    value: [
      { ...avp, delivery: "unicast", clientPorts: [3456, 3457], mode: "play" },
      { ...avpTcp, delivery: "unicast", interleaved: [0, 1] },
    ],
    written: "RTP/AVP;unicast;client_port=3456-3457;mode=play,RTP/AVP/TCP;unicast;interleaved=0-1",
  },
  {
    text: "RTP/AVP/UDP;unicast;source=;client_port=32560-32561;server_port=3046-3047;ssrc=45dcb578",
    value: [
      { ...avpUdp, delivery: "unicast", clientPorts: [32560, 32561], serverPorts: [3046, 3047], ssrc: 0x45dcb578 },
    ],
    written: "RTP/AVP/UDP;unicast;client_port=32560-32561;server_port=3046-3047;ssrc=45DCB578",
  },
  {
    text: "RTP/AVP/UDP;unicast;client_port=14186;server_port=8052;ssrc= 4317f;mode=play",
    value: [
      {
        ...avpUdp,
        delivery: "unicast",
        clientPorts: [14186, 14187],
        serverPorts: [8052, 8053],
        ssrc: 0x4317f,
        mode: "play",
      },
    ],
    written: "RTP/AVP/UDP;unicast;client_port=14186-14187;server_port=8052-8053;ssrc=0004317F;mode=play",
  },
  {
    text: "RTP/AVP;multicast;destination=225.219.201.15;source=10.0.0.1;port=7000-7001;ttl=127",
    value: [
      {
        ...avp,
        delivery: "multicast",
        destination: "225.219.201.15",
        source: "10.0.0.1",
        ports: [7000, 7001],
        ttl: 127,
      },
    ],
  },
  { text: "RTP/SAVP/TCP;interleaved=0-1", value: [{ ...avpTcp, profile: "RTP/SAVP", interleaved: [0, 1] }] },
  {
    text: "rtp/avpf;Unicast",
    value: [{ ...avp, profile: "RTP/AVPF", delivery: "unicast" }],
    written: "RTP/AVPF;unicast",
  },
  {
    text: "RTP/AVP/TCP;interleaved=255;client_port=0-1;server_port=-1-2;port=65535;ttl=256;ssrc=1FFFFFFFF;mode=x",
    value: [avpTcp],
    written: "RTP/AVP/TCP",
  },
  { text: "RTP/AVP/TCP;interleaved=1-1;port=1-2-3;layers=2", value: [avpTcp], written: "RTP/AVP/TCP" },
  { text: " , ", value: [], written: "" },
];

export const sessionCases: readonly HeaderCase<SessionHeader>[] = [
  { text: "A3eqwsafq3rFASqew", value: { id: "A3eqwsafq3rFASqew", timeoutSeconds: undefined } },
  { text: "A3eqwsafq3rFASqew;timeout=47", value: { id: "A3eqwsafq3rFASqew", timeoutSeconds: 47 } },
  { text: '5 ; Timeout="60"', value: { id: "5", timeoutSeconds: 60 }, written: "5;timeout=60" },
  { text: "5;timeout=", value: { id: "5", timeoutSeconds: undefined }, written: "5" },
  { text: "5;timeout=0;x=y", value: { id: "5", timeoutSeconds: undefined }, written: "5" },
];

export const rangeCases: readonly HeaderCase<RtspRange>[] = [
  { text: "npt=0-", value: { unit: "npt", start: 0, end: undefined }, written: "npt=0.000-" },
  { text: "npt=0.000-", value: { unit: "npt", start: 0, end: undefined }, written: "npt=0.000-" },
  { text: "npt=now-", value: { unit: "npt", start: "now", end: undefined }, written: "npt=now-" },
  { text: "npt = 43535.3 - 43536", value: { unit: "npt", start: 43535.3, end: 43536 }, written: "npt=now-" },
  { text: "npt=1:02:03.5-", value: { unit: "npt", start: 3723.5, end: undefined }, written: "npt=now-" },
  { text: "npt=-10", value: { unit: "npt", start: undefined, end: 10 }, written: "npt=0.000-" },
  { text: "npt=5", value: { unit: "npt", start: 5, end: undefined }, written: "npt=now-" },
  {
    text: "clock=19960213T143205Z-;time=19970123T143720Z",
    value: { unit: "clock", text: "19960213T143205Z-" },
    written: "npt=now-",
  },
  { text: "smpte-30-drop=10:07:00-", value: { unit: "smpte", text: "10:07:00-" }, written: "npt=now-" },
];

export const rtpInfoCases: readonly HeaderCase<RtpInfo[]>[] = [
  {
    text: "url=rtsp://10.13.146.53/axis-media/media.amp/trackID=1;seq=58477;rtptime=1020884293,url=rtsp://10.13.146.53/axis-media/media.amp/trackID=2;seq=15727;rtptime=1171661503",
    value: [
      { url: "rtsp://10.13.146.53/axis-media/media.amp/trackID=1", sequenceNumber: 58477, rtpTime: 1020884293 },
      { url: "rtsp://10.13.146.53/axis-media/media.amp/trackID=2", sequenceNumber: 15727, rtpTime: 1171661503 },
    ],
  },
  {
    text: "url=rtsp://127.0.0.1/test.mkv/track1;rtptime=717574556",
    value: [{ url: "rtsp://127.0.0.1/test.mkv/track1", sequenceNumber: undefined, rtpTime: 717574556 }],
  },
  {
    text: "url=trackID=0;seq=65536;rtptime=4294967296, url=a,b;seq=1;ssrc=ee839a80",
    value: [
      { url: "trackID=0", sequenceNumber: undefined, rtpTime: undefined },
      { url: "a,b", sequenceNumber: 1, rtpTime: undefined },
    ],
    written: "url=trackID=0,url=a,b;seq=1",
  },
  { text: "seq=1", value: [], written: "" },
];

const digest = { scheme: "digest", opaque: undefined, hasQop: false, isStale: false, algorithm: "MD5" } as const;

export const challengeCases: readonly HeaderCase<RtspChallenge[]>[] = [
  { text: 'Basic realm="4419b63f5e51"', value: [{ scheme: "basic", realm: "4419b63f5e51" }] },
  {
    text: 'Digest realm="4419b63f5e51", nonce="8b84a3b7", stale="FALSE"',
    value: [{ ...digest, realm: "4419b63f5e51", nonce: "8b84a3b7" }],
    written: 'Digest realm="4419b63f5e51", nonce="8b84a3b7", algorithm=MD5',
  },
  {
    text: 'Digest realm="Please log in with a valid username",nonce="752a",opaque="",stale=TRUE',
    value: [{ ...digest, realm: "Please log in with a valid username", nonce: "752a", opaque: "", isStale: true }],
    written: 'Digest realm="Please log in with a valid username", nonce="752a", stale=TRUE, opaque="", algorithm=MD5',
  },
  {
    text: 'Digest realm="a \\"b\\", c", nonce="d", algorithm=SHA-256, qop="auth,auth-int"',
    value: [{ ...digest, realm: 'a "b", c', nonce: "d", algorithm: "SHA-256", hasQop: true }],
    written: 'Digest realm="a \\"b\\", c", nonce="d", algorithm=SHA-256, qop="auth"',
  },
  {
    text: 'digest realm=x, nonce=y, BASIC realm="z"',
    value: [
      { ...digest, realm: "x", nonce: "y" },
      { scheme: "basic", realm: "z" },
    ],
    written: 'Digest realm="x", nonce="y", algorithm=MD5, Basic realm="z"',
  },
  { text: 'Digest realm="x", nonce="y", algorithm=SHA-512-256', value: [], written: "" },
  { text: 'Digest realm="x", nonce="y", qop="auth-int"', value: [], written: "" },
  { text: 'Digest realm,nonce=""algorithm', value: [], written: "" },
  { text: 'Negotiate, NTLM, Bearer realm="x"', value: [], written: "" },
  { text: "", value: [], written: "" },
];

export const authorizationCases: readonly HeaderCase<RtspAuthorization | undefined>[] = [
  {
    text: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    value: { scheme: "basic", username: "Aladdin", password: "open sesame" },
  },
  { text: "basic Og==", value: { scheme: "basic", username: "", password: "" }, written: "Basic Og==" }, // Seetec
  {
    text: 'Digest username="", realm="IPCAM", nonce="5d17", uri="rtsp://localhost:8554/mystream", response="c072ae90eb4a27f4cdcb90d62266b2a1"',
    value: {
      scheme: "digest",
      username: "",
      realm: "IPCAM",
      nonce: "5d17",
      uri: "rtsp://localhost:8554/mystream",
      response: "c072ae90eb4a27f4cdcb90d62266b2a1",
      algorithm: "MD5",
      opaque: undefined,
      qop: undefined,
    },
  },
  {
    text: 'Digest username="M", realm="r", nonce="n", uri="/dir,a", response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", algorithm=SHA-256, opaque="o", qop=auth, nc=0000000A, cnonce="c"',
    value: {
      scheme: "digest",
      username: "M",
      realm: "r",
      nonce: "n",
      uri: "/dir,a",
      response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
      algorithm: "SHA-256",
      opaque: "o",
      qop: { nonceCount: "0000000A", clientNonce: "c" },
    },
  },
  { text: "Bearer abc", value: undefined, written: "" },
  {
    text: 'Digest username="", realm="", nonce="", uri="", response="", algorithm=SHA-512',
    value: undefined,
    written: "",
  },
];

/** Refused with ERR_RTSP_HEADER, by the parser of that name. */
export const badHeaders: readonly [parser: "transport" | "session" | "range" | "authorization", text: string][] = [
  ["transport", "unicast;interleaved=0-1"],
  ["transport", "RTP/AVP/SCTP"],
  ["transport", "x"],
  ["session", ""],
  ["session", ";timeout"],
  ["session", "a b"],
  ["session", "\u00e9"],
  ["range", ""],
  ["range", "npt"],
  ["range", "npt=-"],
  ["range", "npt=0-A"],
  ["range", "npt=:::-"],
  ["range", "bytes=0-"],
  ["authorization", ""],
  ["authorization", "Basic"],
  ["authorization", 'Basic ="'],
  ["authorization", "Basic QWxhZGRpbg=="],
  ["authorization", "Basic gIA6"],
  ["authorization", "Digest username,realm,nonce,uri,response,algorithm"],
  ["authorization", 'Digest username="a", realm="b", nonce="c", uri="d"'],
  ["authorization", 'Digest username="a", username="b", realm="b", nonce="c", uri="d", response="e"'],
  ["authorization", 'Digest username="a", realm="b", nonce="c", uri="d", response="xyz"'],
  [
    "authorization",
    'Digest username="a", realm="b", nonce="c", uri="d", response="c072ae90eb4a27f4cdcb90d62266b2a1", qop=auth-int',
  ],
  [
    "authorization",
    'Digest username="a", realm="b", nonce="c", uri="d", response="c072ae90eb4a27f4cdcb90d62266b2a1", qop=auth',
  ],
];
