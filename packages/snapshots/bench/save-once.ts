// Usage: node save-once.ts <folder>. Saves a folder into a store of its own, and removes that.
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openEmbeddedStore } from './snapshot-ground.ts';

export const SAVE_ONCE: string = import.meta.filename;

async function saveOnce(folder: string): Promise<void> {
  await using host = createLocalHost();
  await using store = await openEmbeddedStore();
  await store.anew().save(host, hostPath(folder), { task: 'bench', exclude: [] });
}

const [folder] = process.argv.slice(2);
if (import.meta.main && folder !== undefined) await saveOnce(folder);
