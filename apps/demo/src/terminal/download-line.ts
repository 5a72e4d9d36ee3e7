import type { BinaryProgress } from '@seedbed/binary-cache';
import type { Page } from './page.ts';

/** Where nothing can be rewritten in place, a line is printed after each such part of a phase. */
const sparsePercent = 25;

const words: Readonly<Record<BinaryProgress['phase'], string>> = {
  resolve: 'looking for it',
  download: 'downloading',
  wait: 'waiting for another program that sends it',
  push: 'sending it to the host',
  fetch: 'the host is downloading',
  unpack: 'unpacking',
  verify: 'verifying',
  ready: 'ready',
};

/** Shows how far the fetching of a program is: one line that is rewritten, or a few that are not. Nothing when it is there already. */
export function downloadLine(page: Page, name: string): (progress: BinaryProgress) => void {
  let shown = '';
  return ({ phase, bytes, totalBytes }) => {
    if (phase === 'resolve') return;
    if (phase === 'ready') {
      if (shown !== '') page.block(`${name}: ready`, { style: 'dim' });
      return;
    }
    const percent = totalBytes ? Math.floor((100 * bytes) / totalBytes) : undefined;
    const coarse = percent === undefined ? undefined : Math.floor(percent / sparsePercent) * sparsePercent;
    const key = page.live ? `${phase} ${percent ?? megabytes(bytes)}` : `${phase} ${coarse ?? ''}`;
    if (key === shown) return;
    shown = key;
    const text = `${name}: ${words[phase]}${amount(bytes, totalBytes, percent)}`;
    if (page.live) page.status(text);
    else page.block(text);
  };
}

function amount(bytes: number, totalBytes: number | undefined, percent: number | undefined): string {
  if (totalBytes === undefined || percent === undefined)
    return bytes < 1_000_000 ? '' : ` ${megabytes(bytes)} MB`;
  return ` ${megabytes(bytes)} of ${megabytes(totalBytes)} MB (${percent} %)`;
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}
