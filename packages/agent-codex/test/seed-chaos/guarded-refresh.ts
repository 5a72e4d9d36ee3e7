import type { RefreshCredential, SeedJournal } from '@seedbed/seeds';
import { codexRefresh } from '../../src/login/codex-refresh.ts';
import type { Marks } from './do-not-disturb.ts';

/**
 * A refresh, and the journal that its answer goes into: from the question until the answer is on the disk nobody is to be killed.
 */
export function guardRefresh(
  journal: SeedJournal,
  { marks, tokenUrl }: { readonly marks: Marks; readonly tokenUrl: string },
): { readonly refresh: RefreshCredential; readonly journal: SeedJournal } {
  const ask = codexRefresh({ tokenUrl });
  const done = new WeakMap<Uint8Array, () => void>();
  return {
    async refresh(bytes, options) {
      const end = marks.begin();
      const outcome = await ask(bytes, options);
      if (outcome.outcome === 'refreshed') done.set(outcome.bytes, end);
      else end();
      return outcome;
    },
    journal: {
      ...journal,
      async write(note) {
        const entry = await journal.write(note);
        if (note.type === 'credential') done.get(note.bytes)?.();
        return entry;
      },
    },
  };
}
