import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forward } from '../../forward.ts';
import { hostPath, joinHostPath } from '../../host-path.ts';
import { listenOnLoopback } from '../../listen-on-loopback.ts';
import { remoteForward } from '../../remote-forward.ts';
import { type CaseDefinition, patternBytes, rejectsWith, textOf } from './contract-case.ts';

/** Reaching services, there from here and here from there. */
export const connectionCases: readonly CaseDefinition[] = [
  {
    name: 'connects to a service, both ways, and says when there is none',
    needs: ['sharesLoopback'],
    async check({ host, folder }) {
      const { port, close } = await echoService();
      try {
        await using connection = await host.connect({ port });
        const writer = connection.writable.getWriter();
        await writer.write(new TextEncoder().encode('ping'));
        await writer.close();
        assert.equal(await textOf(connection.readable), 'ping');
        await using forwarded = await forward(host, { port });
        assert.equal(await ask({ port: forwarded.port, host: '127.0.0.1' }, 'through'), 'through');
      } finally {
        await close();
      }
      await rejectsWith(host.connect({ port }), 'not-found');
      await rejectsWith(host.connect({ socket: joinHostPath(folder, 'missing.sock') }), 'not-found');
      await rejectsWith(host.connect({ port }, { signal: AbortSignal.abort() }), 'aborted');
      await rejectsWith(host.connect({ socket: hostPath(`/tmp/${'x'.repeat(120)}`) }), 'invalid-path');
    },
  },
  {
    name: 'tells a writer when nobody reads any more, even one that waits',
    async check({ host }) {
      await using listener = await host.listen({});
      const there = await host.connect(listener.target);
      const { value: here } = await listener.connections[Symbol.asyncIterator]().next();
      const writer = there.writable.getWriter();
      const chunk = new Uint8Array(1024 * 1024);
      const writing = (async () => {
        for (;;) await writer.write(chunk);
      })();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await here?.[Symbol.asyncDispose]();
      await assert.rejects(writing, { name: 'HostError' });
      await there[Symbol.asyncDispose]();
    },
  },
  {
    name: 'leads a port and a socket here to a service there, and one there to a service here',
    async check({ host, folder }) {
      const { port, close } = await echoService();
      const near = await mkdtemp(join(tmpdir(), 'seedbed-near-'));
      try {
        await using byPort = await remoteForward(host, { port });
        await using bySocket = await remoteForward(
          host,
          { port },
          { place: { socket: joinHostPath(folder, 's') } },
        );
        // Back from the host: so what is asked passes both kinds of tunnel.
        await using here = await forward(host, byPort.target);
        await using socketHere = await forward(host, bySocket.target, { socket: join(near, 's') });
        assert.equal(here.address, '127.0.0.1');
        const large = Buffer.from(patternBytes(3_000_000)).toString('latin1');
        const places = [{ port: here.port, host: here.address }, { path: socketHere.socket }];
        const answers = await Promise.all(
          places.flatMap((place) => [ask(place, large), ask(place, 'small')]),
        );
        assert.deepEqual(
          answers.map((answer) => answer.length),
          [large.length, 5, large.length, 5],
        );
        assert.ok(answers.every((answer) => answer === large || answer === 'small'));
      } finally {
        await close();
        await rm(near, { recursive: true });
      }
    },
  },
  {
    name: 'breaks a connection through a tunnel where there is no service, and takes the next',
    async check({ host }) {
      const { port, close } = await echoService();
      await close();
      await using tunnel = await remoteForward(host, { port });
      for (let round = 0; round < 3; round += 1) {
        await using connection = await host.connect(tunnel.target);
        assert.equal(await textOf(connection.readable).catch(() => ''), '');
      }
      assert.equal(tunnel.signal.aborted, false);
      await using here = await forward(host, tunnel.target);
      assert.equal(await ask({ port: here.port, host: here.address }, 'x').catch(() => ''), '');
    },
  },
];

async function echoService(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function ask(
  place: { readonly port: number; readonly host: string } | { readonly path: string },
  text: string,
): Promise<string> {
  const socket = netConnect({ ...place, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.end(text, 'latin1');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}
