import type { BenchResult } from './bench-topic.ts';

export interface TopicResult extends BenchResult {
  readonly topic: string;
}

/** One table: what, ours, the alternative by name and version, ratio. */
export function table(results: readonly TopicResult[]): string {
  const rows = [
    ['what', 'ours', 'alternative', '', 'ratio'],
    ...results.map(({ topic, name, unit, ours, alternative, ratio }) => [
      `${topic}: ${name}`,
      `${figure(ours)} ${unit}`,
      `${figure(alternative.value)} ${unit}`,
      alternative.name,
      figure(ratio),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => column === 1 || column === 2 || column === 4;
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...lines, '', 'A ratio above 1 means that ours is better.'].join('\n');
}

/** Three significant digits, and all of them before the point. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** The same for a program. JSON knows no infinity: such a ratio becomes `null`. */
export function json(results: readonly TopicResult[]): string {
  const rows = results.map(({ topic, name, unit, ours, alternative: { name: other, value }, ratio }) => ({
    topic,
    name,
    unit,
    ours,
    alternative: { name: other, value },
    ratio,
  }));
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}
