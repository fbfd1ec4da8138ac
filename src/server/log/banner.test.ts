import { describe, expect, test } from "vitest";
import { formatBanner } from "./banner.ts";

describe("the start-up banner", () => {
  test("says where to publish, where to play, and what is open to whom", () => {
    const banner = formatBanner({
      version: "0.1.0",
      host: "192.168.1.7",
      rtmpPort: 1935,
      rtmpsPort: undefined,
      rtspPort: 8554,
      rtspsPort: undefined,
      httpPort: 8000,
      access: { publish: "loopback", publishToken: "", play: "anyone", playToken: "", management: "loopback" },
    });
    expect(banner).toBe(`Millrace 0.1.0

  Publish to  rtmp://192.168.1.7:1935/live/cam
  Publish to  rtsp://192.168.1.7:8554/live/cam
  In OBS      server rtmp://192.168.1.7:1935/live, stream key cam
  Play        rtmp://192.168.1.7:1935/live/cam
  Play        rtsp://192.168.1.7:8554/live/cam
  Play        http://192.168.1.7:8000/live/cam.flv
  Watch at    http://192.168.1.7:8000/live/cam

  Publishing  this machine only             (access.publish, access.publish_token)
  Playing     anyone who reaches the port   (access.play, access.play_token)
  Management  this machine only             (access.management)

`);
  });

  test("with tokens and TLS, on IPv6, without HTTP", () => {
    const banner = formatBanner({
      version: "0.1.0",
      host: "2001:db8::7",
      rtmpPort: 1940,
      rtmpsPort: 1936,
      rtspPort: undefined,
      rtspsPort: 8322,
      httpPort: undefined,
      access: {
        publish: "loopback",
        publishToken: "swordfish",
        play: "token",
        playToken: "swordfish",
        management: "anyone",
      },
    });
    expect(banner).toBe(`Millrace 0.1.0

  Publish to  rtmp://[2001:db8::7]:1940/live/cam
  Publish to  rtmps://[2001:db8::7]:1936/live/cam
  Publish to  rtsps://[2001:db8::7]:8322/live/cam
  In OBS      server rtmp://[2001:db8::7]:1940/live, stream key cam
  Play        rtmp://[2001:db8::7]:1940/live/cam

  Publishing  this machine, and others with the token   (access.publish, access.publish_token)
  Playing     whoever has the token                     (access.play, access.play_token)
  Management  anyone who reaches the port               (access.management)

`);
  });
});
