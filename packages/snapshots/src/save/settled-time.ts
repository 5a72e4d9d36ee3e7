import { hostOfMarks, type Manifest } from '../manifest/manifest.ts';

/** More than a tick of any file system, and than what setting clocks right moves them by. */
const LONG_AGO_MS = 5_000;

/**
 * Until when changes are settled in a folder that is listed from `begunMs` on. What the last snapshot saw as its newest change had happened by the time that it was listed:
 * when that is a while ago, the host's clock has gone on since, and a file that is changed from now on shows another time. So a folder that was written in one
 * second, and never again, is not asked for digests each time. Only differences count, whatever the clocks of program and host say.
 */
export function settledTime(
  last: Manifest | undefined,
  { hostLabel, begunMs }: { readonly hostLabel: string; readonly begunMs: number },
): number {
  if (last === undefined || hostOfMarks(last) !== hostLabel) return 0;
  const isLongAgo = begunMs - last.listedMs >= LONG_AGO_MS;
  return isLongAgo ? Math.max(last.settledMs, last.newestChangeMs) : last.settledMs;
}
