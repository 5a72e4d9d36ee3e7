// Usage: node journal-child.ts <workdir> <journal>. Keeps a journal of events that it makes, and tells of each that was handed to the host, until it is killed.
import { setTimeout } from 'node:timers/promises';
import { createEventLog } from '@seedbed/conversation-protocol';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { keepJournal } from '../src/session/event-journal.ts';
import { readJournal } from '../src/session/read-journal.ts';

const [workdir = '', id = ''] = process.argv.slice(2);
const log = createEventLog();
const host = createLocalHost();
log.append({ type: 'warning', message: 'The first.' });
keepJournal(host, hostPath(workdir), {
  ...{ id, savedSeq: 0, facts: null, lastSeq: () => log.lastSeq },
  events: (options) => log.read(options),
});
const seen = async (events: number): Promise<void> => {
  while ((await readJournal(host, hostPath(workdir), { id, savedSeq: 0 })).events.length < events)
    await setTimeout(20);
};
// What comes behind the beginning is appended: from here on a program on the host does it.
await seen(1);
log.append({ type: 'warning', message: 'The second.' });
await seen(2);
for (;;) {
  // No further ahead of that program than what fits into the pipe to it: the rest would still be here.
  if (log.lastSeq % 50 === 0) await seen(log.lastSeq - 50);
  const { seq } = log.append({ type: 'warning', message: 'x'.repeat(50) });
  // Some turns of the event loop later it has left this program.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write(`${seq}\n`);
}
