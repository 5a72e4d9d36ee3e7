// A JSON-RPC peer without our code, for tests over real pipes.
import { createInterface } from 'node:readline';

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const methods = {
  echo: ({ id, params }) => say({ id, result: params }),
  /** Never answers. */
  hang: () => say({ method: 'hanging' }),
  /** Answers bytes that no UTF-8 decoder may see cut in the wrong place, one at a time. */
  async drip({ id, params }) {
    for (const byte of Buffer.from(`${JSON.stringify({ id, result: params })}\n`)) {
      await new Promise((resolve) => process.stdout.write(Buffer.of(byte), resolve));
    }
  },
  large: ({ id, params }) => say({ id, result: 'x'.repeat(params.length) }),
  ask: ({ params }) => say({ id: 0, method: 'asked', params }),
  flood({ id, params }) {
    for (let n = 0; n < params.count; n += 1) say({ method: 'delta', params: { n } });
    say({ id, result: params.count });
  },
  leave({ params }) {
    process.stdout.write('{"method":"half', () => process.exit(params.code));
  },
};

process.stderr.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.method === undefined) say({ method: 'answered', params: message });
  else await methods[message.method](message);
}
