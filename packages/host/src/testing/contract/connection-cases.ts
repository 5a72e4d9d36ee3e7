import assert from 'node:assert/strict';
import { createServer, connect as netConnect } from 'node:net';
import { forward } from '../../forward.ts';
import { joinHostPath } from '../../host-path.ts';
import { type CaseDefinition, rejectsWith, textOf } from './contract-case.ts';

/** Reaching services. */
export const connectionCases: readonly CaseDefinition[] = [
  {
    name: 'connects to a service, both ways, and says when there is none',
    needs: ['sharesLoopback'],
    async check({ host, folder }) {
      const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
      const port = await new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          resolve(address !== null && typeof address === 'object' ? address.port : 0);
        });
      });
      try {
        await using connection = await host.connect({ port });
        const writer = connection.writable.getWriter();
        await writer.write(new TextEncoder().encode('ping'));
        await writer.close();
        assert.equal(await textOf(connection.readable), 'ping');
        await using forwarded = await forward(host, { port });
        assert.equal(await ask(forwarded.port, 'through'), 'through');
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
      await rejectsWith(host.connect({ port }), 'not-found');
      await rejectsWith(host.connect({ socket: joinHostPath(folder, 'missing.sock') }), 'not-found');
      await rejectsWith(host.connect({ port }, { signal: AbortSignal.abort() }), 'aborted');
    },
  },
];

async function ask(port: number, text: string): Promise<string> {
  const socket = netConnect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
