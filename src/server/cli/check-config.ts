/** `millrace check-config`: every option's effective value and where it came from. */

import type { LoadedConfig } from "../config/load.ts";
import { formatRaw } from "../config/option.ts";
import { formatOrigin } from "../config/origin.ts";
import { escapeControls } from "../log/escape-controls.ts";
import { mask } from "../log/mask-url.ts";

/** One line per option, itself valid TOML with the origin as a comment. Secrets that are set read `"***"`. */
export function formatSettings({ file, settings }: LoadedConfig): string {
  const rows = settings.map(({ key, raw, origin, isSecret }) => ({
    setting: `${key} = ${formatRaw(isSecret && raw !== "" ? mask : raw)}`,
    origin: formatOrigin(origin),
  }));
  const width = Math.max(...rows.map(({ setting }) => Math.min(setting.length, widestColumn)));
  const head = file === undefined ? "# no configuration file" : `# configuration file: ${escapeControls(file)}`;
  return `${[head, ...rows.map(({ setting, origin }) => `${setting.padEnd(width)}  # ${origin}`)].join("\n")}\n`;
}

/** One long list does not push every origin off the screen. */
const widestColumn = 60;
