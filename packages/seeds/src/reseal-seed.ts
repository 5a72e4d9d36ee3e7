import { changeSeed } from './change-seed.ts';
import { detailsContext } from './details.ts';
import { asideContext } from './lineage.ts';
import { openBase64, type Sealing, sealBase64 } from './sealing.ts';
import { contentContext } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';

export interface ResealReport {
  /** Pieces of the seed that were sealed under another key, and now are under the current one: its files, its account, what is kept aside. */
  readonly resealed: number;
  readonly bytes: number;
}

const NOTHING: ResealReport = { resealed: 0, bytes: 0 };

/**
 * Seals anew, in one update of the seed as it was read, what is under another key than the current one. Who holds the seed notices nothing.
 *
 * @throws {SeedError} `not-found`, `unsealing-failed` when the keyring has no key for a piece: nothing has changed then.
 */
export async function resealSeed(
  context: SeedContext,
  id: SeedId,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<ResealReport> {
  for (;;) {
    // What another program has put there is nobody's to seal before it is settled.
    await readSettled(context, id, { signal });
    const report = await changeSeed<ResealReport | 'overwritten'>(
      context,
      id,
      (stored) => {
        if (stored.overwritten) return { result: 'overwritten' };
        const { facts, content, report: result } = sealedAnew(context, stored);
        if (result.resealed === 0) return { result };
        return { change: { facts, ...(content === undefined ? {} : { content }) }, result };
      },
      { signal },
    );
    if (report !== 'overwritten') return report;
  }
}

interface SealedAnew {
  readonly facts: SeedFacts;
  /** Absent where it was under the current key. */
  readonly content: Uint8Array | undefined;
  readonly report: ResealReport;
}

function sealedAnew({ contentSealing, factSealing }: SeedContext, stored: StoredSeed): SealedAnew {
  const { id, details, aside } = stored.facts;
  let report = NOTHING;
  const count = <T extends Uint8Array | string>(sealed: T): T => {
    const bytes = typeof sealed === 'string' ? Buffer.byteLength(sealed, 'base64') : sealed.byteLength;
    report = { resealed: report.resealed + 1, bytes: report.bytes + bytes };
    return sealed;
  };
  const text = (sealed: string, context: string): string =>
    isCurrent(factSealing, sealed)
      ? sealed
      : count(sealBase64(factSealing, openBase64(factSealing, sealed, context), context));
  const facts: SeedFacts = {
    ...stored.facts,
    ...(details === undefined ? {} : { details: text(details, detailsContext(stored.facts)) }),
    aside: aside.map((kept) => ({ ...kept, sealed: text(kept.sealed, asideContext(id, kept.generation)) })),
  };
  const context = contentContext(id);
  const content = contentSealing.isCurrent(stored.content)
    ? undefined
    : count(contentSealing.seal(contentSealing.open(stored.content, context), context));
  return { facts, content, report };
}

function isCurrent(sealing: Sealing, sealed: string): boolean {
  return sealing.isCurrent(Buffer.from(sealed, 'base64'));
}
