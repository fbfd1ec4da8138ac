/** Session descriptions and what is read of them: of cameras, named after the device, and of browsers. */

import type { MediaDescription } from "./media-description.ts";
import { plainMedia } from "./media-description.ts";
import { plainSession, type SessionDescription } from "./session-description.ts";

export interface SessionCase {
  readonly name: string;
  /** Lines without their ends. */
  readonly lines: readonly string[];
  readonly session: SessionDescription;
}

const h264 = { encoding: "H264", clockRate: 90_000, channels: undefined };
const anywhere = { version: 4, address: "0.0.0.0", ttl: undefined } as const;

function video(changes: Partial<MediaDescription>): MediaDescription {
  return { ...plainMedia, payloadTypes: [96], rtpMaps: new Map([[96, h264]]), ...changes };
}

/** Written as exactly these lines. */
export const writtenCases: readonly SessionCase[] = [
  {
    name: "an RTSP server's",
    lines: [
      "v=0",
      "o=- 18446744073709551615 2 IN IP4 192.0.2.1",
      "s=Millrace",
      "c=IN IP4 239.1.2.3/16",
      "t=0 0",
      "a=control:*",
      "m=video 0 RTP/AVP 96",
      "c=IN IP4 239.1.2.3/16",
      "b=AS:2000",
      "a=recvonly",
      "a=rtpmap:96 H264/90000",
      "a=fmtp:96 packetization-mode=1;profile-level-id=42c01e",
      "a=control:trackID=0",
      "m=audio 0 RTP/AVP 97 0",
      "c=IN IP6 2001:db8::1",
      "a=rtpmap:97 MPEG4-GENERIC/48000/2",
      "a=control:trackID=1",
    ],
    session: {
      ...plainSession,
      origin: {
        username: "-",
        sessionId: "18446744073709551615",
        sessionVersion: "2",
        connection: { version: 4, address: "192.0.2.1", ttl: undefined },
      },
      name: "Millrace",
      connection: { version: 4, address: "239.1.2.3", ttl: 16 },
      control: "*",
      media: [
        video({
          connection: { version: 4, address: "239.1.2.3", ttl: 16 },
          bandwidthKbps: 2_000,
          direction: "recvonly",
          formatParameters: new Map([
            [
              96,
              new Map([
                ["packetization-mode", "1"],
                ["profile-level-id", "42c01e"],
              ]),
            ],
          ]),
          control: "trackID=0",
        }),
        {
          ...plainMedia,
          kind: "audio",
          payloadTypes: [97, 0],
          connection: { version: 6, address: "2001:db8::1", ttl: undefined },
          rtpMaps: new Map([[97, { encoding: "MPEG4-GENERIC", clockRate: 48_000, channels: 2 }]]),
          control: "trackID=1",
        },
      ],
    },
  },
  {
    name: "a browser's offer with simulcast",
    lines: [
      "v=0",
      "o=- 4596489990601351948 2 IN IP4 127.0.0.1",
      "s=-",
      "t=0 0",
      "a=ice-lite",
      "a=group:BUNDLE 0 1",
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
      "c=IN IP4 0.0.0.0",
      "a=mid:0",
      "a=sendonly",
      "a=ice-ufrag:abcd",
      "a=ice-pwd:0123456789abcdef01234567",
      "a=ice-options:trickle renomination",
      "a=fingerprint:sha-256 AB:CD:EF",
      "a=setup:actpass",
      "a=extmap-allow-mixed",
      "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
      "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
      "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
      "a=candidate:2 1 tcp 1518280447 3f2a.local 9 typ host tcptype active",
      "a=end-of-candidates",
      "a=msid:stream track",
      "a=msid:other",
      "a=rtcp-mux",
      "a=rtcp-rsize",
      "a=rtpmap:96 H264/90000",
      "a=rtpmap:97 rtx/90000",
      "a=rtcp-fb:96 nack pli",
      "a=rtcp-fb:* transport-cc",
      "a=fmtp:97 apt=96",
      "a=rid:h send",
      "a=rid:l send max-width=640;max-fps=15",
      "a=simulcast:send h,~m;l",
      "a=ssrc-group:FID 1 4294967295",
      "a=ssrc:1 cname:x",
      "a=ssrc:1 msid:stream track",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
      "a=mid:1",
      "a=sctp-port:5000",
    ],
    session: {
      ...plainSession,
      origin: {
        username: "-",
        sessionId: "4596489990601351948",
        sessionVersion: "2",
        connection: { version: 4, address: "127.0.0.1", ttl: undefined },
      },
      groups: [{ semantics: "BUNDLE", members: ["0", "1"] }],
      isIceLite: true,
      media: [
        {
          ...plainMedia,
          port: 9,
          protocol: "UDP/TLS/RTP/SAVPF",
          payloadTypes: [96, 97],
          connection: anywhere,
          mid: "0",
          direction: "sendonly",
          iceUfrag: "abcd",
          icePwd: "0123456789abcdef01234567",
          iceOptions: ["trickle", "renomination"],
          fingerprints: [{ hash: "sha-256", digest: "AB:CD:EF" }],
          setup: "actpass",
          mayMixExtensions: true,
          headerExtensions: [
            { id: 1, direction: undefined, uri: "urn:ietf:params:rtp-hdrext:sdes:mid" },
            { id: 2, direction: "recvonly", uri: "urn:ietf:params:rtp-hdrext:csrc-audio-level" },
          ],
          candidates: [
            {
              foundation: "1",
              component: 1,
              transport: "udp",
              priority: 2_130_706_431,
              address: "192.0.2.1",
              port: 5_000,
              type: "host",
              tcpType: undefined,
            },
            {
              foundation: "2",
              component: 1,
              transport: "tcp",
              priority: 1_518_280_447,
              address: "3f2a.local",
              port: 9,
              type: "host",
              tcpType: "active",
            },
          ],
          hasEndOfCandidates: true,
          msids: [
            { streamId: "stream", trackId: "track" },
            { streamId: "other", trackId: "" },
          ],
          hasRtcpMux: true,
          hasReducedRtcp: true,
          rtpMaps: new Map([
            [96, h264],
            [97, { encoding: "rtx", clockRate: 90_000, channels: undefined }],
          ]),
          rtcpFeedback: [
            { payloadType: 96, type: "nack pli" },
            { payloadType: undefined, type: "transport-cc" },
          ],
          formatParameters: new Map([[97, new Map([["apt", "96"]])]]),
          rids: [
            { id: "h", direction: "send", restrictions: "" },
            { id: "l", direction: "send", restrictions: "max-width=640;max-fps=15" },
          ],
          simulcast: {
            send: [
              [
                { rid: "h", isPaused: false },
                { rid: "m", isPaused: true },
              ],
              [{ rid: "l", isPaused: false }],
            ],
            recv: [],
          },
          ssrcGroups: [{ semantics: "FID", members: [1, 4_294_967_295] }],
          ssrcs: new Map([
            [
              1,
              new Map([
                ["cname", "x"],
                ["msid", "stream track"],
              ]),
            ],
          ]),
        },
        {
          ...plainMedia,
          kind: "application",
          port: 9,
          protocol: "UDP/DTLS/SCTP",
          otherFormats: ["webrtc-datachannel"],
          mid: "1",
          sctpPort: 5_000,
        },
      ],
    },
  },
];

/** What devices and browsers send that the grammar does not allow, or that is inherited. */
const foreignCases: readonly SessionCase[] = [
  {
    name: "Y-CAM Bullet HD, AXIS 221: an origin with a negative number",
    lines: [
      "v=0",
      "o=- -8959200248001175080 1 IN IP4 192.0.2.1",
      "s=-",
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
    ],
    session: { ...plainSession, media: [video({})] },
  },
  {
    name: "Flussonic Playout: an origin with fractions",
    lines: ["v=0", "o=- 1698210484.879535 1698210484.879535 IN IP4 192.0.2.1:12626", "s=Playout"],
    session: { ...plainSession, name: "Playout" },
  },
  {
    name: "Uniview IPC: connections without address",
    lines: [
      "v=0",
      "o=- 1001 1 IN ",
      "s=VCP IPC Realtime stream",
      "m=video 0 RTP/AVP 96",
      "c=IN ",
      "a=control:rtsp://192.0.2.1/media/video1/video",
      "a=rtpmap:96 H264/90000",
    ],
    session: {
      ...plainSession,
      name: "VCP IPC Realtime stream",
      media: [video({ control: "rtsp://192.0.2.1/media/video1/video" })],
    },
  },
  {
    name: "an encoder whose connections have no address type",
    lines: ["v=0", "c=IN 192.0.2.7", "m=video 0 RTP/AVP 96", "c=IN 2001:db8::7", "a=rtpmap:96 H264/90000"],
    session: {
      ...plainSession,
      connection: { version: 4, address: "192.0.2.7", ttl: undefined },
      media: [video({ connection: { version: 6, address: "2001:db8::7", ttl: undefined } })],
    },
  },
  {
    name: "Symynelec C5 (Tuya): a negative port, and bytes of its memory as address",
    lines: ["v=0", "m=video -1353744643 RTP/AVP 96", "c=IN IP4 '&\u{fffd}\u0001", "a=rtpmap:96 H264/90000"],
    session: { ...plainSession, media: [video({})] },
  },
  {
    name: "a camera that sends nothing but the section",
    lines: ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:trackID=0"],
    session: { ...plainSession, media: [video({ control: "trackID=0" })] },
  },
  {
    name: "rvi-ipc50dn12: lines out of order, empty lines, and a NUL at the end",
    lines: [
      "v=0",
      "",
      "s=Media Presentation",
      "o=- 1 2 IN IP4 192.0.2.1",
      "",
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000 ",
      "\0",
    ],
    session: {
      ...plainSession,
      name: "Media Presentation",
      origin: {
        username: "-",
        sessionId: "1",
        sessionVersion: "2",
        connection: { version: 4, address: "192.0.2.1", ttl: undefined },
      },
      media: [video({})],
    },
  },
  {
    name: "an archive server: an attribute without a name, and a range of clocks",
    lines: ["v=0", "a=", "a=range:clock=20200908T132728Z-", "m=video 0 RTP/AVP 96", "a=", "a=rtpmap:96 H264/90000"],
    session: { ...plainSession, media: [video({})] },
  },
  {
    name: "AMS32: a space behind fmtp's colon",
    lines: ["v=0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp: 96 SizeLength = 13 ; mode=AAC-hbr;;"],
    session: {
      ...plainSession,
      media: [
        video({
          formatParameters: new Map([
            [
              96,
              new Map([
                ["sizelength", "13"],
                ["mode", "AAC-hbr"],
              ]),
            ],
          ]),
        }),
      ],
    },
  },
  {
    name: "what stands before the first section holds for all (JSEP, gortsplib)",
    lines: [
      "v=0",
      "a=ice-ufrag:abcd",
      "a=ice-pwd:0123456789abcdef01234567",
      "a=fingerprint:SHA-256 ab:cd",
      "a=setup:passive",
      "a=sendonly",
      "m=video 9 UDP/TLS/RTP/SAVPF 96",
      "a=setup:active",
      "a=rtpmap:96 H264/90000",
    ],
    session: {
      ...plainSession,
      iceUfrag: "abcd",
      icePwd: "0123456789abcdef01234567",
      fingerprints: [{ hash: "sha-256", digest: "AB:CD" }],
      setup: "passive",
      direction: "sendonly",
      media: [
        video({
          port: 9,
          protocol: "UDP/TLS/RTP/SAVPF",
          iceUfrag: "abcd",
          icePwd: "0123456789abcdef01234567",
          fingerprints: [{ hash: "sha-256", digest: "AB:CD" }],
          setup: "active",
          direction: "sendonly",
        }),
      ],
    },
  },
  {
    name: "values that come twice: the first counts",
    lines: [
      "v=0",
      "m=video 9 RTP/AVP 96 96",
      "a=mid:0",
      "a=mid:1",
      "a=ice-ufrag:good",
      "a=ice-ufrag:evil",
      "a=rtpmap:96 H264/90000",
      "a=rtpmap:96 VP8/90000",
      "a=extmap:1 urn:a",
      "a=extmap:1 urn:b",
      "a=control:a",
      "a=control:b",
    ],
    session: {
      ...plainSession,
      media: [
        video({
          port: 9,
          mid: "0",
          iceUfrag: "good",
          headerExtensions: [{ id: 1, direction: undefined, uri: "urn:a" }],
          control: "a",
        }),
      ],
    },
  },
  {
    name: "what can't be read is not there",
    lines: [
      "v=0",
      "this is no line",
      "m=video 70000/2 RTP/AVP 96",
      "a=rtpmap:128 VP8/90000",
      "a=rtpmap:96 H264/90000",
      "a=ssrc:4294967296 cname:x",
      "a=ssrc:1",
      "a=candidate:1 1 udp 1 192.0.2.1 70000 typ host",
      "a=candidate:nonsense",
      "a=extmap:0 urn:a",
      "a=extmap:15",
      "a=rtcp-fb:200 nack",
      "a=fingerprint:sha-256 not-hex",
      "a=setup:sideways",
      "a=rid:a b c",
      "a=simulcast:",
      "a=sctp-port:65536",
      "a=key-mgmt:mikey AQAF",
    ],
    session: { ...plainSession, media: [video({})] },
  },
  {
    name: "a piece for trickle ICE (RFC 8840)",
    lines: [
      "a=ice-ufrag:abcd",
      "m=audio 9 UDP/TLS/RTP/SAVPF 0",
      "a=mid:0",
      "a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host generation 0",
      "a=end-of-candidates",
    ],
    session: {
      ...plainSession,
      iceUfrag: "abcd",
      media: [
        {
          ...plainMedia,
          kind: "audio",
          port: 9,
          protocol: "UDP/TLS/RTP/SAVPF",
          payloadTypes: [0],
          mid: "0",
          iceUfrag: "abcd",
          candidates: [
            {
              foundation: "1",
              component: 1,
              transport: "udp",
              priority: 1,
              address: "192.0.2.1",
              port: 5_000,
              type: "host",
              tcpType: undefined,
            },
          ],
          hasEndOfCandidates: true,
        },
      ],
    },
  },
];

export const sessionCases: readonly SessionCase[] = [...writtenCases, ...foreignCases];
