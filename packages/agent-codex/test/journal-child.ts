// Usage: node journal-child.ts <workdir> <journal>. Keeps a journal of events that it makes, and tells of each that was handed to the host, until it is killed.
import { createEventLog } from '@seedbed/conversation-protocol';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { keepJournal } from '../src/session/event-journal.ts';

const [workdir = '', id = ''] = process.argv.slice(2);
const log = createEventLog();
const host = createLocalHost();
keepJournal(host, hostPath(workdir), {
  ...{ id, savedSeq: 0, lastSeq: () => log.lastSeq },
  events: (options) => log.read(options),
});
for (;;) {
  const { seq } = log.append({ type: 'warning', message: 'x'.repeat(50) });
  // Some turns of the event loop later it has left this program.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write(`${seq}\n`);
}
