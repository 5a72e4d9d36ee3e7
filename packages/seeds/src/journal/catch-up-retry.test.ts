import { expect, test } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { openSealing } from '../sealing.ts';
import { credentialFile } from '../seed-manifest.ts';
import { testCredentialKind, testManifest } from '../testing/index.ts';
import { createCatchUp } from './catch-up.ts';
import type { JournalEntry } from './seed-journal.ts';

test('what is postponed just when everything before it was told is told too', async () => {
  for (let turns = 0; turns < 30; turns += 1) {
    await using ground = openGround();
    const { clock, host, store } = ground;
    await using catchUp = createCatchUp({
      ...{ store, clock, leaseMs: 60_000, kind: testCredentialKind, manifest: testManifest },
      ...{ credential: credentialFile(testManifest), journal: undefined },
      ...{ contentSealing: openSealing, factSealing: openSealing },
      reach: () => host,
      report: () => undefined,
      postpone: () => undefined,
      catchUpWith: async () => true,
    });
    const told: string[] = [];
    const entry = (holder: string, onTold?: () => Promise<void>): JournalEntry => ({
      note: { type: 'ended', seedId: store.createId('nobody'), store: store.label, holder, fence: 1 },
      async remove() {
        told.push(holder);
        void onTold?.();
      },
      release: async () => undefined,
    });
    const later = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      catchUp.postpone(entry('second'));
    };
    catchUp.postpone(entry('first', later));
    await clock.advance(60_000);
    expect(told, `after ${turns} turns`).toEqual(['first', 'second']);
  }
});
