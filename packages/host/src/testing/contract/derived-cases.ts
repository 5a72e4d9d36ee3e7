import assert from 'node:assert/strict';
import { createServer, connect as netConnect } from 'node:net';
import { confine } from '../../confine.ts';
import { forward } from '../../forward.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { tail } from '../../tail.ts';
import { type WalkOptions, walk } from '../../walk.ts';
import { type CaseDefinition, rejectsWith, textOf } from './contract-case.ts';
import { names } from './file-cases.ts';

/** Watching, following, walking, confining, connecting. */
export const derivedCases: readonly CaseDefinition[] = [
  {
    name: 'tells of a file that comes into being, changes, is replaced and goes, wherever its folder was',
    async check({ host, folder }) {
      const base = joinHostPath(folder, 'not/yet');
      const path = joinHostPath(base, 'file');
      await using watching = watchChanges(host, path);
      await watching.next();
      const steps = [
        () => host.makeDirectory(base),
        () => host.writeFile(path, '1'),
        () => host.writeFile(path, '2'),
        async () => {
          await host.writeFile(joinHostPath(base, 'other'), '3');
          await host.rename(joinHostPath(base, 'other'), path);
        },
        () => host.setMode(path, 0o600),
        () => host.remove(path),
        () => host.writeFile(path, '4'),
      ];
      for (const [index, step] of steps.entries()) {
        await step();
        // A new parent folder may or may not be told of; everything after it is.
        if (index > 0 && index !== 4) await watching.until(async () => true);
      }
      await host.remove(joinHostPath(folder, 'not'), { recursive: true });
      await watching.until(async () => (await host.stat(path)) === undefined);
      await host.makeDirectory(base);
      await host.writeFile(path, '5');
      await watching.until(async () => (await host.stat(path)) !== undefined);
    },
  },
  {
    name: "tells of a folder's new and lost entries",
    async check({ host, folder }) {
      await using watching = watchChanges(host, folder);
      await watching.next();
      await host.writeFile(joinHostPath(folder, 'a'), '');
      await watching.until(async () => (await names(host, folder)).includes('a'));
      await host.remove(joinHostPath(folder, 'a'));
      await watching.until(async () => !(await names(host, folder)).includes('a'));
    },
  },
  {
    name: 'ends a watch with its signal, also one that has fired already',
    async check({ host, folder }) {
      const controller = new AbortController();
      const watching = host.watch(folder, { signal: controller.signal })[Symbol.asyncIterator]();
      assert.equal((await watching.next()).done, false);
      const pending = watching.next();
      controller.abort();
      assert.equal((await pending).done, true);
      for await (const _ of host.watch(folder, { signal: AbortSignal.abort() })) assert.fail('gave an item');
    },
  },
  {
    name: 'follows a growing file and loses no byte at the end',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'log');
      const controller = new AbortController();
      const following = collectTail(host, path, controller.signal);
      let text = '';
      for (let line = 1; line <= 30; line += 1) {
        text += `line ${line}\n`;
        await append(host, path, text);
      }
      await append(host, path, `${text}the end without a newline`);
      controller.abort();
      assert.match((await following).text, /line 30\nthe end without a newline$/);
    },
  },
  {
    name: 'reads a file that was cut or replaced from its beginning, and goes on from an offset',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'log');
      await host.writeFile(path, '0123456789');
      const controller = new AbortController();
      const fromMiddle: string[] = [];
      for await (const { offset, bytes } of tail(host, path, { signal: controller.signal, from: 4 })) {
        fromMiddle.push(`${offset}:${Buffer.from(bytes)}`);
        if (fromMiddle.length === 1) await host.writeFile(path, 'new');
        else controller.abort();
      }
      assert.deepEqual(fromMiddle, ['4:456789', '0:new']);
      const atEnd = new AbortController();
      const rest: string[] = [];
      const following = (async () => {
        for await (const { bytes } of tail(host, path, { signal: atEnd.signal, from: 'end' }))
          rest.push(Buffer.from(bytes).toString());
      })();
      atEnd.abort();
      await following;
      assert.deepEqual(rest, []);
    },
  },
  {
    name: 'walks a tree in order, links as links, without what is excluded',
    async check({ host, folder }) {
      await plant(host, folder);
      assert.deepEqual(await walked(host, folder), [
        'a',
        'a/deep',
        'a/deep/file',
        'a/loop',
        'b',
        'b/x.log',
        'broken',
        'c',
        'out',
      ]);
      const exclude = ['*.log', 'a/deep', 'out'];
      assert.deepEqual(await walked(host, folder, { exclude }), ['a', 'a/loop', 'b', 'broken', 'c']);
    },
  },
  {
    name: 'follows links in a walk without running in circles or out of the tree',
    async check({ host, folder }) {
      await plant(host, folder);
      const seen = await walked(host, folder, { followLinks: true });
      assert.deepEqual(seen, ['a', 'a/deep', 'a/deep/file', 'b', 'b/x.log', 'c']);
    },
  },
  {
    name: 'stops a walk at its limits',
    async check({ host, folder }) {
      await plant(host, folder);
      await rejectsWith(walked(host, folder, { maxDepth: 1 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { maxEntries: 8 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { maxBytes: 11 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { signal: AbortSignal.abort() }), 'aborted');
      await rejectsWith(walked(host, joinHostPath(folder, 'missing')), 'not-found');
      assert.equal((await walked(host, folder, { maxDepth: 3, maxEntries: 9, maxBytes: 12 })).length, 9);
    },
  },
  {
    name: 'confines all file operations to a root',
    check: ({ host, folder }) => confines(host, folder),
  },
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

interface Watching extends AsyncDisposable {
  next(): Promise<void>;
  /** Takes items until the condition holds. */
  until(condition: () => Promise<boolean>): Promise<void>;
}

function watchChanges(host: Host, path: HostPath): Watching {
  const controller = new AbortController();
  const items = host.watch(path, { signal: controller.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<void> => {
    assert.equal((await items.next()).done, false);
  };
  return {
    next,
    async until(condition) {
      do await next();
      while (!(await condition()));
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await items.return?.();
    },
  };
}

async function collectTail(host: Host, path: HostPath, signal: AbortSignal): Promise<{ text: string }> {
  const chunks: Uint8Array[] = [];
  for await (const { bytes } of tail(host, path, { signal })) chunks.push(bytes);
  return { text: Buffer.concat(chunks).toString() };
}

/** The interface has no append: the file is replaced by a longer one. */
async function append(host: Host, path: HostPath, text: string): Promise<void> {
  await host.writeFile(path, text);
}

async function plant(host: Host, folder: HostPath): Promise<void> {
  await host.makeDirectory(joinHostPath(folder, 'a/deep'));
  await host.makeDirectory(joinHostPath(folder, 'b'));
  await host.writeFile(joinHostPath(folder, 'a/deep/file'), '12345');
  await host.writeFile(joinHostPath(folder, 'b/x.log'), '12345');
  await host.writeFile(joinHostPath(folder, 'c'), '12');
  await host.link(joinHostPath(folder, 'a/loop'), '..');
  await host.link(joinHostPath(folder, 'broken'), 'nowhere');
  await host.link(joinHostPath(folder, 'out'), '/');
}

async function walked(host: Host, folder: HostPath, options?: WalkOptions): Promise<string[]> {
  const seen: string[] = [];
  for await (const { relativePath } of walk(host, folder, options)) seen.push(relativePath);
  return seen;
}

async function confines(host: Host, folder: HostPath): Promise<void> {
  const root = joinHostPath(folder, 'root');
  const secret = joinHostPath(folder, 'secret');
  await host.makeDirectory(joinHostPath(root, 'dir'));
  await host.makeDirectory(secret);
  await host.writeFile(joinHostPath(secret, 'file'), 'secret');
  await host.link(joinHostPath(root, 'out'), '../secret');
  await host.link(joinHostPath(root, 'file-out'), '../secret/file');
  await host.link(joinHostPath(root, 'new-out'), '../secret/new');
  const inside = confine(host, root);
  const at = (path: string): HostPath => joinHostPath(root, path);
  for (const path of ['../secret/file', 'out/file', 'file-out', 'new-out'])
    await rejectsWith(inside.readFile(at(path)), 'outside-root');
  await rejectsWith(inside.writeFile(at('out/x'), 'x'), 'outside-root');
  await rejectsWith(inside.writeFile(at('../x'), 'x'), 'outside-root');
  await rejectsWith(inside.makeDirectory(at('out/x/y')), 'outside-root');
  await rejectsWith(inside.remove(at('out/file')), 'outside-root');
  await rejectsWith(inside.remove(root, { recursive: true }), 'outside-root');
  await rejectsWith(inside.rename(at('out/file'), at('mine')), 'outside-root');
  await rejectsWith(inside.rename(at('dir'), at('out/dir')), 'outside-root');
  await rejectsWith(inside.setMode(at('file-out'), 0o777), 'outside-root');
  await rejectsWith(inside.stat(at('out'), { followLinks: true }), 'outside-root');
  await rejectsWith(inside.stat(at('out/file')), 'outside-root');
  await rejectsWith(inside.readLink(at('out/x')), 'outside-root');
  await rejectsWith(names(inside, at('out')), 'outside-root');
  await rejectsWith(inside.canonicalize(at('out')), 'outside-root');
  for (const target of ['../secret', '/', 'dir/../../secret', '../../x/y/z']) {
    await rejectsWith(inside.link(at('link'), target), 'outside-root');
  }
  await rejectsWith(inside.link(at('link'), joinHostPath(secret, 'file'), { hard: true }), 'outside-root');
  await inside.writeFile(at('file-out'), 'mine');
  await inside.link(at('dir/up'), '../file-out');
  await inside.makeDirectory(at('dir/x/y'));
  await inside.remove(at('out'));
  assert.equal(await readText(inside, at('dir/up')), 'mine');
  assert.equal(await readText(host, joinHostPath(secret, 'file')), 'secret');
  assert.deepEqual(await names(inside, root), ['dir', 'file-out', 'new-out']);
  assert.equal(await inside.stat(at('none/none')), undefined);
}

async function ask(port: number, text: string): Promise<string> {
  const socket = netConnect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
