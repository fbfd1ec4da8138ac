/** Aggregate messages with the timestamp they come with, and the messages in them: [type, timestamp, payload]. */
export const aggregateCases: readonly {
  what: string;
  timestamp: number;
  hex: string;
  messages: readonly (readonly [number, number, string])[];
}[] = [
  { what: "nothing", timestamp: 5, hex: "", messages: [] },
  {
    what: "two messages, counted from the first one's time",
    timestamp: 1000,
    hex: "08 000002 000064 00 000000 af01 0000000d 09 000001 000078 00 000000 17 0000000c",
    messages: [
      [8, 1000, "af01"],
      [9, 1020, "17"],
    ],
  },
  {
    what: "time that goes back inside",
    timestamp: 1000,
    hex: "09 000001 000078 00 000000 17 0000000c 08 000001 000064 00 000000 af 0000000c",
    messages: [
      [9, 1000, "17"],
      [8, 980, "af"],
    ],
  },
  {
    what: "time that wraps at 2^32, and its upper byte behind the others",
    timestamp: 0xffff_fffe,
    hex: "08 000001 000000 01 000000 af 0000000c 08 000001 000004 01 000000 af 0000000c",
    messages: [
      [8, 0xffff_fffe, "af"],
      [8, 2, "af"],
    ],
  },
  {
    what: "no size behind the last message",
    timestamp: 0,
    hex: "08 000001 000000 00 000000 af",
    messages: [[8, 0, "af"]],
  },
];
