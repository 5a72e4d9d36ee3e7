import assert from 'node:assert/strict';
import type { Host, HostConnection, HostListener } from '../../host.ts';
import { hostPath, joinHostPath } from '../../host-path.ts';
import { bytesOf, type CaseDefinition, names, patternBytes, rejectsWith, textOf } from './contract-case.ts';

/** Taking connections on the host. */
export const listeningCases: readonly CaseDefinition[] = [
  {
    name: 'listens on a free loopback port, and carries both directions to their ends',
    async check({ host }) {
      await using listener = await host.listen({});
      assert.ok('port' in listener.target && listener.target.port > 0);
      assert.equal(listener.target.address, '127.0.0.1');
      await using there = await host.connect(listener.target);
      await say(there, 'question');
      await using here = await taken(listener);
      assert.equal(await textOf(here.readable), 'question');
      await say(here, 'answer');
      assert.equal(await textOf(there.readable), 'answer');
    },
  },
  {
    name: 'listens on a socket, whatever its name, for its user alone, and removes it at the end',
    async check({ host, folder }) {
      for (const name of ['plain.sock', `a b'"$(c)\`;&*`, '-rf', 'new\nline\n', 'ünï']) {
        const socket = joinHostPath(folder, name);
        const listener = await host.listen({ socket });
        assert.deepEqual(listener.target, { socket });
        const found = await host.stat(socket);
        assert.deepEqual([found?.kind, found?.mode], ['other', 0o600]);
        assert.deepEqual(await names(host, folder), [name]);
        assert.equal(await exchange(listener, await host.connect(listener.target)), 'hello');
        await listener[Symbol.asyncDispose]();
        assert.deepEqual(await names(host, folder), []);
      }
    },
  },
  {
    name: 'does not listen where it cannot, and says why',
    async check({ host, folder }) {
      await using first = await host.listen({});
      await rejectsWith(host.listen(first.target), 'already-exists');
      const socket = joinHostPath(folder, 'taken.sock');
      await using _ = await host.listen({ socket });
      await rejectsWith(host.listen({ socket }), 'already-exists');
      const file = joinHostPath(folder, 'file');
      await host.writeFile(file, 'kept');
      await rejectsWith(host.listen({ socket: file }), 'already-exists');
      assert.equal(await textOf(await host.readFile(file)), 'kept');
      await rejectsWith(host.listen({ socket: joinHostPath(folder, 'missing', 's') }), 'not-found');
      await rejectsWith(host.listen({ socket: joinHostPath(file, 's') }), 'not-a-directory');
      await rejectsWith(host.listen({ socket: hostPath(`/tmp/${'x'.repeat(120)}`) }), 'invalid-path');
      await rejectsWith(host.listen({ socket: joinHostPath(folder, '\udc80.sock') }), 'unsupported');
      await rejectsWith(host.listen({ port: 70_000 }), 'unsupported');
      await rejectsWith(host.listen({ address: 'localhost' }), 'unsupported');
      await rejectsWith(host.listen({}, { signal: AbortSignal.abort() }), 'aborted');
    },
  },
  {
    name: 'takes a hundred connections at once, each with its own bytes',
    async check({ host }) {
      await using listener = await host.listen({});
      const count = 100;
      void echo(listener);
      const answers = Array.from({ length: count }, async (_, number) => {
        await using there = await host.connect(listener.target);
        await say(there, `connection ${number}`);
        return await textOf(there.readable);
      });
      assert.deepEqual(
        await Promise.all(answers),
        Array.from({ length: count }, (_, number) => `connection ${number}`),
      );
    },
  },
  {
    name: 'holds back who sends what nobody reads, and loses none of it',
    async check({ host }) {
      await using listener = await host.listen({});
      await using there = await host.connect(listener.target);
      await using here = await taken(listener);
      const bytes = patternBytes(1024 * 1024);
      const rounds = 48;
      let written = 0;
      const writing = (async () => {
        const writer = there.writable.getWriter();
        for (; written < rounds; written += 1) await writer.write(bytes);
        await writer.close();
      })();
      for (let before = -1; before < written; ) {
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      assert.ok(written < rounds, 'the writer waits');
      const read = await bytesOf(here.readable);
      await writing;
      assert.equal(read.length, rounds * bytes.length);
      for (let at = 0; at < read.length; at += bytes.length) {
        assert.equal(Buffer.compare(read.subarray(at, at + bytes.length), bytes), 0);
      }
    },
  },
  {
    name: 'is not troubled by connections that say nothing, go away or break off',
    async check({ host }) {
      await using listener = await host.listen({});
      await using _silent = await host.connect(listener.target);
      const gone = await host.connect(listener.target);
      await gone[Symbol.asyncDispose]();
      const broken = await host.connect(listener.target);
      await broken.writable.abort();
      await using there = await host.connect(listener.target);
      await say(there, 'alive');
      void echo(listener);
      assert.equal(await textOf(there.readable), 'alive');
    },
  },
  {
    name: 'closes everything with the listener, on both sides',
    async check({ host }) {
      const listener = await host.listen({});
      const there = await host.connect(listener.target);
      const here = await taken(listener);
      const untaken = await host.connect(listener.target);
      const reading = rejectsWith(here.readable.getReader().read(), 'aborted');
      const next = listener.connections[Symbol.asyncIterator]().next();
      const other = (await next).value;
      assert.ok(other !== undefined);
      const last = listener.connections[Symbol.asyncIterator]().next();
      assert.equal(listener.signal.aborted, false);
      await listener[Symbol.asyncDispose]();
      assert.equal(listener.signal.aborted, true);
      assert.deepEqual(await last, { done: true, value: undefined });
      await reading;
      assert.equal(await textOf(there.readable), '');
      assert.equal(await textOf(untaken.readable), '');
      await unreachable(host, listener);
      await listener[Symbol.asyncDispose]();
    },
  },
];

async function taken(listener: HostListener): Promise<HostConnection> {
  const { value } = await listener.connections[Symbol.asyncIterator]().next();
  assert.ok(value !== undefined, 'a connection comes');
  return value;
}

async function echo(listener: HostListener): Promise<void> {
  for await (const { readable, writable } of listener.connections) {
    readable.pipeTo(writable).catch(() => undefined);
  }
}

async function say({ writable }: HostConnection, text: string): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

/** Sends a word over a connection that the listener is to take, and gives what arrived. */
async function exchange(listener: HostListener, connection: HostConnection): Promise<string> {
  await using there = connection;
  await say(there, 'hello');
  await using here = await taken(listener);
  return await textOf(here.readable);
}

/** At the latest soon: a process that sshd is just starting holds the port for a moment longer. */
async function unreachable(host: Host, { target }: HostListener): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    const connection = await host.connect(target).catch(() => undefined);
    if (connection === undefined) break;
    await connection[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await rejectsWith(host.connect(target), 'not-found');
}
