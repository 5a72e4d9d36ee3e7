import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLocalHost } from './index.ts';

/** Several times what is read in one turn of the event loop. */
const SHOWN_BYTES = 20_000;
/** Longer than node-pty leaves an ended terminal. */
const STANDSTILL_MS = 300;

it('a terminal loses nothing, although the program stands still again and again while it ends', async () => {
  await using host = createLocalHost();
  const script = `head -c ${SHOWN_BYTES} /dev/zero | tr '\\0' x; printf end`;
  const process = await host.spawn({ argv: ['sh', '-c', script] }, { pty: { columns: 80, rows: 24 } });
  let isOver = false;
  void process.exit.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await setImmediate();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STANDSTILL_MS);
  }
  const shown = await new Response(process.stdout).text();
  expect(shown).toHaveLength(SHOWN_BYTES + 3);
  expect(shown.endsWith('xend')).toBe(true);
  expect(await process.exit).toEqual({ kind: 'exited', code: 0 });
});
