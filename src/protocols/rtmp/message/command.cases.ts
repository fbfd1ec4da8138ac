/** Commands as clients send them: type 20, and type 17 where the hex begins with its format byte. */

import { makeAmfObject } from "../../../formats/amf/amf-value.ts";
import type { Command } from "./command.ts";

export const commandCases: readonly { what: string; typeId: 17 | 20; hex: string; command: Command }[] = [
  {
    what: "createStream",
    typeId: 20,
    hex: "02000c63726561746553747265616d 004000000000000000 05",
    command: { name: "createStream", transactionId: 2, commandObject: null, arguments: [] },
  },
  {
    what: "createStream in the AMF3 wrapper",
    typeId: 17,
    hex: "00 02000c63726561746553747265616d 004000000000000000 05",
    command: { name: "createStream", transactionId: 2, commandObject: null, arguments: [] },
  },
  {
    what: "publish",
    typeId: 20,
    hex: "0200077075626c697368 004014000000000000 05 02000363616d 0200046c697665",
    command: { name: "publish", transactionId: 5, commandObject: null, arguments: ["cam", "live"] },
  },
  {
    what: "connect",
    typeId: 20,
    hex: "020007636f6e6e656374 003ff0000000000000 03 0003617070 0200046c697665 000009",
    command: {
      name: "connect",
      transactionId: 1,
      commandObject: makeAmfObject({ app: "live" }),
      arguments: [],
    },
  },
];

export const badCommandCases: readonly { what: string; typeId: 17 | 20; hex: string; code: string }[] = [
  { what: "nothing", typeId: 20, hex: "", code: "ERR_RTMP_COMMAND" },
  { what: "a number for a name", typeId: 20, hex: "004014000000000000", code: "ERR_RTMP_COMMAND" },
  { what: "a string for a transaction id", typeId: 20, hex: "020001 61 020001 62", code: "ERR_RTMP_COMMAND" },
  { what: "a name that ends early", typeId: 20, hex: "02000c 6372", code: "ERR_TRUNCATED" },
  { what: "no format byte", typeId: 17, hex: "", code: "ERR_TRUNCATED" },
  { what: "another format", typeId: 17, hex: "01 020001 61", code: "ERR_RTMP_COMMAND" },
];
