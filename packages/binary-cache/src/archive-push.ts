import { BinaryCacheError } from './binary-cache-error.ts';
import type { ArchivePayload } from './binary-source.ts';
import type { Landing } from './landing.ts';

export interface PushOptions {
  /** What the archive was inspected to have. */
  readonly totalBytes: number;
  readonly report: (bytes: number) => void;
}

/**
 * Sends what is missing of an archive, until the host has all of it with the right digest. What it has from an earlier, broken transfer is continued; should the whole
 * then be wrong, it is sent once more from the start.
 *
 * @throws {BinaryCacheError} `integrity-mismatch`, `source-refused` and what a landing throws.
 */
export async function pushArchive(
  landing: Landing,
  archive: ArchivePayload,
  { totalBytes, report }: PushOptions,
): Promise<'done' | 'taken'> {
  for (;;) {
    if (landing.size > totalBytes && (await landing.restart()) === 'taken') return 'taken';
    const present = landing.size;
    report(present);
    if (present < totalBytes) {
      const rest = bytesBetween(archive, { first: present, end: totalBytes, report });
      if ((await landing.take(totalBytes - present, rest)) === 'taken') return 'taken';
      if (landing.size !== totalBytes) {
        throw new BinaryCacheError(
          'install-failed',
          `The host has ${landing.size} bytes of an archive after it was sent ${totalBytes}.`,
        );
      }
    }
    const kept = await landing.keep();
    if (kept === 'taken') return 'taken';
    if (kept.kind === 'right') return 'done';
    if ((await landing.restart()) === 'taken') return 'taken';
    if (present === 0) {
      throw new BinaryCacheError(
        'integrity-mismatch',
        'What arrived on the host does not have the digest of what was sent to it. It was thrown away; the disk of the host or its tools are at fault.',
      );
    }
  }
}

/** Reading from the start costs little beside sending, and asks nothing more of a source than to be read again. */
async function* bytesBetween(
  archive: ArchivePayload,
  {
    first,
    end,
    report,
  }: { readonly first: number; readonly end: number; readonly report: (bytes: number) => void },
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const chunk of archive.open()) {
    const wanted = chunk.subarray(Math.max(0, first - at), Math.max(0, end - at));
    at += chunk.byteLength;
    if (wanted.byteLength === 0) continue;
    yield wanted;
    report(Math.min(at, end));
  }
  if (at === end) return;
  throw new BinaryCacheError('source-refused', 'The archive changed while it was sent to the host.');
}
