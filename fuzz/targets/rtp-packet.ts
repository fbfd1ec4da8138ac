/** RTP packets under random bytes: what was parsed and written parses to the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { HeaderExtensionWalker } from "../../src/protocols/rtp/header-extension.ts";
import { badRtpPackets, rtpPacketCases } from "../../src/protocols/rtp/packet.cases.ts";
import { isRtcpPacket, RtpPacket } from "../../src/protocols/rtp/packet.ts";
import { type RtpPacketFields, writeRtpPacket } from "../../src/protocols/rtp/packet-writer.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtp-packet",
  covers: ["src/protocols/rtp/packet.ts", "src/protocols/rtp/header-extension.ts"],
  corpora: ["rtp", "rtp_header_extension"],
  seeds: () => [...rtpPacketCases, ...badRtpPackets].map(({ bytes }) => bytes),
  run(bytes) {
    isRtcpPacket(bytes);
    const fields = fieldsOf(new RtpPacket().parse(bytes));
    const again = fieldsOf(new RtpPacket().parse(writeRtpPacket(fields)));
    assert(isDeepStrictEqual(again, fields), "the packet changed");
  },
};

function fieldsOf(packet: RtpPacket): RtpPacketFields {
  const walker = new HeaderExtensionWalker().reset(packet);
  const extensions: { id: number; bytes: Uint8Array }[] = [];
  while (walker.next()) extensions.push({ id: walker.id, bytes: packet.bytes.slice(walker.start, walker.end) });
  return {
    marker: packet.marker,
    payloadType: packet.payloadType,
    sequenceNumber: packet.sequenceNumber,
    timestamp: packet.timestamp,
    ssrc: packet.ssrc,
    csrcs: Array.from({ length: packet.csrcCount }, (_, i) => packet.csrc(i)),
    extensions,
    payload: packet.payload().slice(),
    paddingBytes: packet.bytes.length - packet.payloadEnd,
  };
}
