// Waits for a line, then writes deltas as an agent does, one write each: delta-writer.mjs COUNT [MILLISECONDS BETWEEN].
// Each carries the monotonic time at which it was written, in nanoseconds: processes of one machine share that clock.
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [count, between = 0] = process.argv.slice(2).map(Number);

/** Standard output is a pipe that does not block: write again what it had no room for. */
function write(text) {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

process.stdin.once('data', async () => {
  for (let n = 0; n < count; n += 1) {
    const params = {
      threadId: '019a-0000',
      turnId: '019a-0001',
      itemId: 'msg_1',
      delta: `word ${n} `,
      at: `${process.hrtime.bigint()}`,
    };
    write(`${JSON.stringify({ method: 'item/agentMessage/delta', params })}\n`);
    if (between > 0) await pause(between);
  }
  process.exit(0);
});
