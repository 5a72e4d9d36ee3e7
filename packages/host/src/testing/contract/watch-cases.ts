import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { tail } from '../../tail.ts';
import { type CaseDefinition, names } from './contract-case.ts';

/** Watching paths and following files. */
export const watchCases: readonly CaseDefinition[] = [
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
      for (const step of steps) {
        await step();
        // A new parent folder and a mode may or may not be told of, which is not to be taken for what comes next; everything else is.
        if (step === steps[0] || step === steps[4]) await watching.quiet();
        else await watching.next();
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
];

/** Longer than it takes any host to tell of what has happened; milliseconds. */
const QUIET_MS = 1_000;

interface Watching extends AsyncDisposable {
  next(): Promise<void>;
  /** Takes whatever comes until nothing has for a while. */
  quiet(): Promise<void>;
  /** Takes items until the condition holds. */
  until(condition: () => Promise<boolean>): Promise<void>;
}

function watchChanges(host: Host, path: HostPath): Watching {
  const controller = new AbortController();
  const items = host.watch(path, { signal: controller.signal })[Symbol.asyncIterator]();
  let coming: Promise<IteratorResult<unknown>> | undefined;
  const next = async (): Promise<void> => {
    coming ??= items.next();
    const { done } = await coming;
    coming = undefined;
    assert.equal(done, false);
  };
  return {
    next,
    async quiet() {
      for (;;) {
        coming ??= items.next();
        const told = await Promise.race([coming.then(() => true), setTimeout(QUIET_MS, false)]);
        if (!told) return;
        await next();
      }
    },
    async until(condition) {
      do await next();
      while (!(await condition()));
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await coming;
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
