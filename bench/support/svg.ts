/** Charts as SVG: lines over a linear axis, and bars. Plain, and legible on a light and on a dark page. */

export interface ChartLine {
  readonly name: string;
  /** Drawn in grey: what ours is measured beside. */
  readonly isReference: boolean;
  readonly points: [x: number, y: number][];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly ChartLine[];
}

export function lineChart({ title, xLabel, yLabel, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points);
  const xTicks = ticks(Math.max(...points.map(([x]) => x)));
  const yTicks = ticks(Math.max(...points.map(([, y]) => y)));
  const [xMost = 1, yMost = 1] = [xTicks.at(-1), yTicks.at(-1)];
  const xAt = (x: number): number => plot.left + (x / xMost) * plot.width;
  const yAt = (y: number): number => plot.top + plot.height - (y / yMost) * plot.height;
  const parts: string[] = [];
  for (const y of yTicks) {
    parts.push(
      `<line class="grid" x1="${plot.left}" x2="${plot.left + plot.width}" y1="${at(yAt(y))}" y2="${at(yAt(y))}"/>`,
      `<text x="${plot.left - 8}" y="${at(yAt(y) + 4)}" text-anchor="end">${formatTick(y)}</text>`,
    );
  }
  for (const x of xTicks) {
    parts.push(
      `<text x="${at(xAt(x))}" y="${plot.top + plot.height + 18}" text-anchor="middle">${formatTick(x)}</text>`,
    );
  }
  const labelYs = spreadLabels(lines.map((line) => yAt(line.points.at(-1)?.[1] ?? 0)));
  lines.forEach(({ name, isReference, points: own }, index) => {
    const style = isReference ? "other" : `own${index % ownColours}`;
    const path = own.map(([x, y]) => `${at(xAt(x))},${at(yAt(y))}`).join(" ");
    const [lastX = 0] = own.at(-1) ?? [];
    parts.push(
      `<polyline class="${style}" points="${path}"/>`,
      ...own.map(([x, y]) => `<circle class="${style}" cx="${at(xAt(x))}" cy="${at(yAt(y))}" r="3"/>`),
      `<text class="${style}" x="${at(xAt(lastX) + 8)}" y="${at((labelYs[index] as number) + 4)}">${escapeXml(name)}</text>`,
    );
  });
  const middle = plot.top + plot.height / 2;
  parts.push(
    `<text x="${plot.left + plot.width / 2}" y="${plot.top + plot.height + 38}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text x="16" y="${middle}" text-anchor="middle" transform="rotate(-90 16 ${middle})">${escapeXml(yLabel)}</text>`,
  );
  return page(plot.left + plot.width + plot.right, plot.top + plot.height + 48, title, parts);
}

export interface BarChart {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: number; readonly isOurs: boolean }[];
}

export function barChart({ title, bars }: BarChart): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const parts = bars.flatMap(({ name, value, isOurs }, index) => {
    const y = plot.top + index * rowHeight;
    const width = (value / most) * barWidth;
    return [
      `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect class="${isOurs ? "own0" : "other"}" x="${labelWidth}" y="${y + 2}" width="${at(width)}" height="18"/>`,
      `<text x="${at(labelWidth + width + 6)}" y="${y + 15}">${value.toFixed(1)}</text>`,
    ];
  });
  return page(labelWidth + barWidth + 60, plot.top + bars.length * rowHeight + 8, title, parts);
}

function page(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">
<title>${escapeXml(title)}</title>
<style>${styles}</style>
<rect class="page" width="${width}" height="${height}"/>
<text x="12" y="20" font-size="14">${escapeXml(title)}</text>
${parts.join("\n")}
</svg>
`;
}

/** Round numbers from 0 to what is not below `most`, about five. */
function ticks(most: number): number[] {
  const rough = Math.max(most, Number.MIN_VALUE) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}

/** Labels at the ends of lines that lie close together are moved apart. */
function spreadLabels(ys: readonly number[]): number[] {
  const order = ys.map((_, index) => index).sort((a, b) => (ys[a] as number) - (ys[b] as number));
  const placed = [...ys];
  for (let i = 1; i < order.length; i++) {
    const [before, own] = [order[i - 1] as number, order[i] as number];
    placed[own] = Math.max(placed[own] as number, (placed[before] as number) + labelHeight);
  }
  return placed;
}

function formatTick(value: number): string {
  return value >= 1_000 ? value.toLocaleString("en") : String(Number(value.toFixed(2)));
}

function at(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const plot = { left: 64, top: 40, width: 480, height: 260, right: 130 } as const;
const labelHeight = 15;
const labelWidth = 300;
const barWidth = 380;
const rowHeight = 24;
const ownColours = 3;

const light = {
  page: "#ffffff",
  text: "#24292f",
  grid: "#d8dee4",
  other: "#6e7781",
  own: ["#0b6e8f", "#b3541e", "#6f42c1"],
};
const dark = {
  page: "#0d1117",
  text: "#e6edf3",
  grid: "#30363d",
  other: "#8b949e",
  own: ["#4cc2e0", "#f0965a", "#b79cf0"],
};

function coloursOf({ page, text, grid, other, own }: typeof light): string {
  const lines = [`.page{fill:${page}}`, `text{fill:${text}}`, `.grid{stroke:${grid}}`];
  for (const [name, colour] of [
    ["other", other],
    ...own.map((each, index) => [`own${index}`, each] as const),
  ] as const) {
    lines.push(`.${name}{fill:${colour}}`, `polyline.${name}{fill:none;stroke:${colour};stroke-width:2}`);
  }
  return lines.join("");
}

/** A page that embeds the chart may be light or dark: the chart follows what the reader prefers. */
const styles = `${coloursOf(light)}polyline.other{stroke-dasharray:6 4}@media (prefers-color-scheme:dark){${coloursOf(dark)}}`;
