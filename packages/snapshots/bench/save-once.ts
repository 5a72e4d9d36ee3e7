// Usage: node save-once.ts <folder>. Saves a folder into a store of its own, and removes that.
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openEmbeddedStore } from './snapshot-ground.ts';

await using host = createLocalHost();
await using store = await openEmbeddedStore();
await store.anew().save(host, hostPath(process.argv[2] ?? ''), { task: 'bench', exclude: [] });
