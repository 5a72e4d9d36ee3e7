import { createDirectoryJournal, type SeedId } from '../src/index.ts';

/** A program of its own that writes notes into a journal until it is killed: `node dying-writer-child.ts DIRECTORY`. It prints a line for every note that is on the disk. */
const [directory = ''] = process.argv.slice(2);
const journal = createDirectoryJournal({ directory, sealing: 'plaintext' });
for (let number = 1; ; number += 1) {
  await journal.write({
    type: 'credential',
    seedId: 'seed' as SeedId,
    store: 'memory',
    basis: `${number - 1}`,
    holder: 'dying',
    fence: 1,
    how: 'rotated',
    bytes: Buffer.from(`credential ${number}`),
  });
  process.stdout.write(`${number}\n`);
}
