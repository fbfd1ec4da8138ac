/**
 * Whole dialogues of clients with the server, byte for byte: FFmpeg 5.1 and rtspsrc of GStreamer 1.22 as recorded, live555 as its
 * test client is in the fuzz seeds, rtspclientsink as its source has it.
 */

import { sdpOf, testSdp } from "./pair.cases.ts";
import type { RtspServerOptions } from "./server-events.ts";

export interface DialogueStep {
  /** Lines; the empty line is added. */
  readonly request: string;
  readonly body?: string;
  readonly answer: string;
  readonly answerBody?: string;
}

export interface Dialogue {
  readonly name: string;
  readonly options?: Partial<RtspServerOptions>;
  readonly steps: readonly DialogueStep[];
}

const id = "00000000000000000000000000000000";
const tcp = `Server: Millrace\nSession: ${id};timeout=60`;
const udp = `Server: Millrace\nSession: ${id};timeout=30`;
const methods =
  "Public: OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

const ffmpegSdp = sdpOf(["streamid=0", "streamid=1"]);
const gstreamerSdp = sdpOf(["stream=0"]);

export const serverDialogues: readonly Dialogue[] = [
  {
    name: "FFmpeg plays over TCP",
    steps: [
      {
        request: `OPTIONS rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 1
          User-Agent: Lavf59.27.100`,
        answer: `RTSP/1.0 200 OK
          CSeq: 1
          Server: Millrace
          ${methods}`,
      },
      {
        request: `DESCRIBE rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          Accept: application/sdp
          CSeq: 2
          User-Agent: Lavf59.27.100`,
        answer: `RTSP/1.0 200 OK
          CSeq: 2
          Server: Millrace
          Content-Base: rtsp://127.0.0.1:8554/live/cam/
          Content-Type: application/sdp
          Content-Length: ${testSdp.length}`,
        answerBody: testSdp,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/trackID=0 RTSP/1.0
          Transport: RTP/AVP/TCP;unicast;interleaved=0-1
          CSeq: 3
          User-Agent: Lavf59.27.100`,
        answer: `RTSP/1.0 200 OK
          CSeq: 3
          ${tcp}
          Transport: RTP/AVP/TCP;unicast;interleaved=0-1`,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/trackID=1 RTSP/1.0
          Transport: RTP/AVP/TCP;unicast;interleaved=2-3
          CSeq: 4
          User-Agent: Lavf59.27.100
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 4
          ${tcp}
          Transport: RTP/AVP/TCP;unicast;interleaved=2-3`,
      },
      {
        request: `PLAY rtsp://127.0.0.1:8554/live/cam/ RTSP/1.0
          Range: npt=0.000-
          CSeq: 5
          User-Agent: Lavf59.27.100
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 5
          ${tcp}
          Range: npt=0.000-
          RTP-Info: url=rtsp://127.0.0.1:8554/live/cam/trackID=0;seq=7;rtptime=90000`,
      },
      {
        request: `TEARDOWN rtsp://127.0.0.1:8554/live/cam/ RTSP/1.0
          CSeq: 6
          User-Agent: Lavf59.27.100
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 6
          ${tcp}`,
      },
    ],
  },
  {
    name: "FFmpeg publishes over UDP",
    steps: [
      {
        request: `OPTIONS rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 1
          User-Agent: Lavf59.27.100`,
        answer: `RTSP/1.0 200 OK
          CSeq: 1
          Server: Millrace
          ${methods}`,
      },
      {
        request: `ANNOUNCE rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          Content-Type: application/sdp
          CSeq: 2
          User-Agent: Lavf59.27.100
          Content-Length: ${ffmpegSdp.length}`,
        body: ffmpegSdp,
        answer: `RTSP/1.0 200 OK
          CSeq: 2
          Server: Millrace`,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/streamid=0 RTSP/1.0
          Transport: RTP/AVP/UDP;unicast;client_port=20450-20451;mode=record
          CSeq: 3
          User-Agent: Lavf59.27.100`,
        answer: `RTSP/1.0 200 OK
          CSeq: 3
          ${udp}
          Transport: RTP/AVP/UDP;unicast;client_port=20450-20451;server_port=8000-8001;mode=record`,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/streamid=1 RTSP/1.0
          Transport: RTP/AVP/UDP;unicast;client_port=20452-20453;mode=record
          CSeq: 4
          User-Agent: Lavf59.27.100
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 4
          ${udp}
          Transport: RTP/AVP/UDP;unicast;client_port=20452-20453;server_port=8000-8001;mode=record`,
      },
      {
        request: `RECORD rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          Range: npt=0.000-
          CSeq: 5
          User-Agent: Lavf59.27.100
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 5
          ${udp}
          Range: npt=0.000-`,
      },
    ],
  },
  {
    name: "GStreamer publishes (rtspclientsink)",
    steps: [
      {
        request: `OPTIONS rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 0
          User-Agent: GStreamer/1.22.0`,
        answer: `RTSP/1.0 200 OK
          CSeq: 0
          Server: Millrace
          ${methods}`,
      },
      {
        request: `ANNOUNCE rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 1
          User-Agent: GStreamer/1.22.0
          Content-Type: application/sdp
          Content-Length: ${gstreamerSdp.length}`,
        body: gstreamerSdp,
        answer: `RTSP/1.0 200 OK
          CSeq: 1
          Server: Millrace`,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/stream=0 RTSP/1.0
          CSeq: 2
          User-Agent: GStreamer/1.22.0
          Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record`,
        answer: `RTSP/1.0 200 OK
          CSeq: 2
          ${tcp}
          Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record`,
      },
      {
        request: `RECORD rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 3
          User-Agent: GStreamer/1.22.0
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 3
          ${tcp}
          Range: npt=0.000-`,
      },
    ],
  },
  {
    name: "GStreamer plays (rtspsrc), and takes what is left of its alternatives",
    options: { transports: { tcp: true, udp: false, multicast: false } },
    steps: [
      {
        request: `OPTIONS rtsp://127.0.0.1:8554/live/cam?token=a RTSP/1.0
          CSeq: 1
          User-Agent: GStreamer/1.22.0
          User-Agent: RealMedia Player Version 6.0.9.1235 (linux-2.0-libc6-i386-gcc2.95)
          ClientChallenge: 9e26d33f2984236010ef6253fb1887f7
          CompanyID: KnKV4M4I/B2FjJ1TToLycw==
          GUID: 00000000-0000-0000-0000-000000000000
          RegionData: 0
          PlayerStarttime: [28/03/2003:22:50:23 00:00]
          ClientID: Linux_2.4_6.0.9.1235_play32_RN01_EN_586
          Date: Sat, 21 Nov 2026 12:40:22 GMT`,
        answer: `RTSP/1.0 200 OK
          CSeq: 1
          Server: Millrace
          ${methods}`,
      },
      {
        request: `DESCRIBE rtsp://127.0.0.1:8554/live/cam?token=a RTSP/1.0
          CSeq: 1
          User-Agent: GStreamer/1.22.0
          Accept: application/sdp`,
        answer: `RTSP/1.0 200 OK
          CSeq: 1
          Server: Millrace
          Content-Base: rtsp://127.0.0.1:8554/live/cam/?token=a/
          Content-Type: application/sdp
          Content-Length: ${testSdp.length}`,
        answerBody: testSdp,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/?token=a/trackID=0 RTSP/1.0
          CSeq: 2
          User-Agent: GStreamer/1.22.0
          Transport: RTP/AVP;unicast;client_port=47212-47213,RTP/AVP/UDP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1`,
        answer: `RTSP/1.0 200 OK
          CSeq: 2
          ${tcp}
          Transport: RTP/AVP/TCP;unicast;interleaved=0-1`,
      },
      {
        request: `PLAY rtsp://127.0.0.1:8554/live/cam/?token=a/ RTSP/1.0
          CSeq: 3
          User-Agent: GStreamer/1.22.0
          Range: npt=0-
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 3
          ${tcp}
          Range: npt=0.000-
          RTP-Info: url=rtsp://127.0.0.1:8554/live/cam/?token=a/trackID=0;seq=7;rtptime=90000`,
      },
    ],
  },
  {
    name: "live555 (VLC, testRTSPClient) plays over UDP",
    steps: [
      {
        request: `DESCRIBE rtsp://127.0.0.1:8554/live/cam RTSP/1.0
          CSeq: 2
          User-Agent: ./testRTSPClient (LIVE555 Streaming Media v2018.08.28)
          Accept: application/sdp`,
        answer: `RTSP/1.0 200 OK
          CSeq: 2
          Server: Millrace
          Content-Base: rtsp://127.0.0.1:8554/live/cam/
          Content-Type: application/sdp
          Content-Length: ${testSdp.length}`,
        answerBody: testSdp,
      },
      {
        request: `SETUP rtsp://127.0.0.1:8554/live/cam/trackID=0 RTSP/1.0
          CSeq: 3
          User-Agent: ./testRTSPClient (LIVE555 Streaming Media v2018.08.28)
          Transport: RTP/AVP;unicast;client_port=37216-37217`,
        answer: `RTSP/1.0 200 OK
          CSeq: 3
          ${udp}
          Transport: RTP/AVP;unicast;client_port=37216-37217;server_port=8000-8001`,
      },
      {
        request: `PLAY rtsp://127.0.0.1:8554/live/cam/ RTSP/1.0
          CSeq: 4
          User-Agent: ./testRTSPClient (LIVE555 Streaming Media v2018.08.28)
          Session: ${id}
          Range: npt=0.000-`,
        answer: `RTSP/1.0 200 OK
          CSeq: 4
          ${udp}
          Range: npt=0.000-
          RTP-Info: url=rtsp://127.0.0.1:8554/live/cam/trackID=0;seq=7;rtptime=90000`,
      },
      {
        request: `GET_PARAMETER rtsp://127.0.0.1:8554/live/cam/ RTSP/1.0
          CSeq: 5
          User-Agent: ./testRTSPClient (LIVE555 Streaming Media v2018.08.28)
          Session: ${id}`,
        answer: `RTSP/1.0 200 OK
          CSeq: 5
          ${udp}`,
      },
    ],
  },
];
