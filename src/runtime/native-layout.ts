/**
 * What both languages must agree on, collected from where it is declared. `npm run build:native` writes it into
 * native/src/layout.h; the addon was compiled with a hash of it, which is compared when it is loaded.
 */

import { cursorColumns, cursorFlags } from "../kernel/cursor-table.ts";
import { guardFraction } from "../kernel/limits.ts";
import { entryFlags, entryRecord, entryRecordBytes, logHeaderBytes, logWords } from "../kernel/log-layout.ts";
import { datagramSlotBytes, packetTurnBytes } from "./limits.ts";
import { nativeCounters, nativeDatagramCounters, nativeEvents } from "./native-addon.ts";

/** FNV-1a over names and values, 32 bits. */
export function nativeLayoutHash(): number {
  let hash = 0x811c9dc5;
  for (const [name, value] of nativeLayout()) {
    for (const character of `${name}=${value};`) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
    }
  }
  return hash;
}

/** The text of native/src/layout.h. */
export function nativeLayoutHeader(): string {
  const lines = Array.from(nativeLayout(), ([name, value]) => `constexpr int64_t k${name} = ${value};`);
  return `// Made from src/runtime/native-layout.ts by npm run build:native. Do not edit: change the declarations it names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

${lines.join("\n")}
constexpr uint32_t kLayoutHash = ${nativeLayoutHash()}u;

// One record of the entry table.
struct EntryRecord {
  double position;
  double time_ms;
  uint32_t length;
  uint32_t flags;
};
static_assert(sizeof(EntryRecord) == kEntryRecordBytes);
static_assert(offsetof(EntryRecord, position) == kRecordPosition);
static_assert(offsetof(EntryRecord, time_ms) == kRecordTimeMs);
static_assert(offsetof(EntryRecord, length) == kRecordLength);
static_assert(offsetof(EntryRecord, flags) == kRecordFlags);

}  // namespace millrace
`;
}

/** Names as C++ writes them, and their values. */
function nativeLayout(): ReadonlyMap<string, number> {
  const layout = new Map<string, number>([
    ["LogHeaderBytes", logHeaderBytes],
    ["EntryRecordBytes", entryRecordBytes],
    ["GuardDivisor", 1 / guardFraction],
    ["PacketTurnBytes", packetTurnBytes],
    ["DatagramSlotBytes", datagramSlotBytes],
  ]);
  const groups: readonly (readonly [prefix: string, values: Readonly<Record<string, number>>])[] = [
    ["Word", logWords],
    ["Record", entryRecord],
    ["Entry", entryFlags],
    ["CursorColumn", cursorColumns],
    ["Cursor", cursorFlags],
    ["Event", nativeEvents],
    ["Counter", nativeCounters],
    ["DatagramCounter", nativeDatagramCounters],
  ];
  for (const [prefix, values] of groups) {
    for (const [name, value] of Object.entries(values)) {
      layout.set(`${prefix}${name[0]?.toUpperCase()}${name.slice(1)}`, value);
    }
  }
  return layout;
}
