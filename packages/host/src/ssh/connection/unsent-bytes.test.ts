import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { drained } from './unsent-bytes.ts';

it('waits while much waits to be sent, and no longer than the stream lives', async () => {
  const order: string[] = [];
  let send: (() => void) | undefined;
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      send = done;
    },
  });
  await drained(stream);
  stream.write(Buffer.alloc(1_000_000));
  const waiting = drained(stream).then(() => order.push('drained'));
  await Promise.resolve();
  order.push('sent');
  send?.();
  await waiting;
  expect(order).toEqual(['sent', 'drained']);
  stream.write(Buffer.alloc(1_000_000));
  const given = drained(stream);
  stream.destroy();
  await given;
});
