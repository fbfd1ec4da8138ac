/** `millrace check-config`: every option's effective value and where it came from. */

import type { LoadedConfig } from "../config/load.ts";
import { formatRaw, type RawValue } from "../config/option.ts";
import { builtIn, formatOrigin } from "../config/origin.ts";
import type { Setting } from "../config/setting.ts";
import { escapeControls } from "../log/escape-controls.ts";
import { mask, maskUrl } from "../log/mask-url.ts";

/** One line per option, itself valid TOML with the origin as a comment. Secrets that are set read `"***"`. */
export function formatSettings({ file, settings, streamSettings }: LoadedConfig): string {
  const rows = [
    ...settings.map((setting) => rowOf(setting, (raw) => (raw === "" ? raw : mask))),
    ...streamSettings.flatMap((entry) => [
      { setting: "[[streams]]", origin: formatOrigin(entry[0]?.origin ?? builtIn) },
      // Of an address only the secrets in it are.
      ...entry.map((setting) => rowOf(setting, maskAddresses)),
    ]),
  ];
  const width = Math.max(...rows.map(({ setting }) => Math.min(setting.length, widestColumn)));
  const head = file === undefined ? "# no configuration file" : `# configuration file: ${escapeControls(file)}`;
  return `${[head, ...rows.map(({ setting, origin }) => `${setting.padEnd(width)}  # ${origin}`)].join("\n")}\n`;
}

function rowOf({ key, raw, origin, isSecret }: Setting, maskRaw: (raw: RawValue) => RawValue): Row {
  return { setting: `${key} = ${formatRaw(isSecret ? maskRaw(raw) : raw)}`, origin: formatOrigin(origin) };
}

function maskAddresses(raw: RawValue): RawValue {
  if (typeof raw === "string") return maskUrl(raw);
  return typeof raw === "object" ? raw.map(maskUrl) : raw;
}

interface Row {
  readonly setting: string;
  readonly origin: string;
}

/** One long list does not push every origin off the screen. */
const widestColumn = 60;
