import assert from 'node:assert/strict';
import { joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { run } from '../../run.ts';
import { bytesOf, type CaseDefinition, names, patternBytes, rejectsWith, repeat } from './contract-case.ts';

/** Reading and writing files. */
export const fileContentCases: readonly CaseDefinition[] = [
  {
    name: 'gives the bytes that were written, in whole and in part',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'bytes');
      const bytes = patternBytes(700_001);
      await host.writeFile(path, bytes);
      const part = async (options: object): Promise<Uint8Array> =>
        await bytesOf(await host.readFile(path, options));
      assert.deepEqual(await part({}), Buffer.from(bytes));
      assert.deepEqual(await part({ offset: 300_000 }), Buffer.from(bytes.subarray(300_000)));
      assert.deepEqual(await part({ offset: 5, length: 7 }), Buffer.from(bytes.subarray(5, 12)));
      assert.equal((await part({ length: 0 })).length, 0);
      assert.equal((await part({ offset: 800_000 })).length, 0);
      assert.equal((await part({ offset: 700_000, length: 100 })).length, 1);
    },
  },
  {
    name: 'writes text, bytes and streams, an empty one too',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, 'h\u00e9');
      assert.equal(await readText(host, path), 'h\u00e9');
      await host.writeFile(path, repeat(patternBytes(65_536), 20).stream);
      assert.equal((await host.stat(path))?.size, 20 * 65_536);
      await host.writeFile(path, '');
      assert.equal((await host.stat(path))?.size, 0);
      await host.writeFile(path, repeat(new Uint8Array(1), 0).stream);
      assert.equal(await readText(host, path), '');
    },
  },
  {
    name: 'gives a file exactly the mode that was asked for, and keeps that of the one it replaces',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const mode = async (): Promise<number | undefined> => (await host.stat(path))?.mode;
      await host.writeFile(path, '');
      assert.equal(await mode(), 0o644);
      await host.writeFile(path, '', { mode: 0o777 });
      assert.equal(await mode(), 0o777);
      await host.writeFile(path, 'again');
      assert.equal(await mode(), 0o777);
      await host.setMode(path, 0o600);
      await host.writeFile(path, 'again');
      assert.equal(await mode(), 0o600);
    },
  },
  {
    name: 'shows a reader the old content or the new, whole',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const contents = ['a'.repeat(300_000), 'b'.repeat(200_000)] as const;
      await host.writeFile(path, contents[0]);
      const writing = (async () => {
        for (let round = 1; round <= 20; round += 1)
          await host.writeFile(path, contents[round % 2 === 0 ? 0 : 1]);
      })();
      let done = false;
      void writing.then(() => {
        done = true;
      });
      while (!done)
        assert.ok(
          (contents as readonly string[]).includes(await readText(host, path)),
          'a part, or a mixture',
        );
      await writing;
    },
  },
  {
    name: 'lets exactly one of many create a file',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const tries = await Promise.allSettled(
        Array.from({ length: 16 }, (_, index) => host.writeFile(path, `writer ${index}`, { ifAbsent: true })),
      );
      const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.equal(winners.length, 1);
      assert.equal(await readText(host, path), `writer ${winners[0]}`);
      await rejectsWith(host.writeFile(path, 'late', { ifAbsent: true }), 'already-exists');
      assert.deepEqual(await names(host, folder), ['file']);
    },
  },
  {
    name: 'leaves neither a changed nor a temporary file when a write is aborted or its source fails',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, 'before');
      const controller = new AbortController();
      let given = 0;
      let cancelled = false;
      const endless = new ReadableStream<Uint8Array>({
        pull(stream) {
          given += 1;
          if (given > 10) controller.abort();
          else stream.enqueue(patternBytes(100_000));
        },
        cancel() {
          cancelled = true;
        },
      });
      await rejectsWith(host.writeFile(path, endless, { signal: controller.signal }), 'aborted');
      assert.equal(cancelled, true);
      const broken = new ReadableStream<Uint8Array>({
        pull(stream) {
          stream.enqueue(patternBytes(10));
          stream.error(new Error('the source broke'));
        },
      });
      await rejectsWith(host.writeFile(path, broken), 'io');
      await rejectsWith(host.writeFile(path, 'x', { signal: AbortSignal.abort() }), 'aborted');
      assert.equal(await readText(host, path), 'before');
      assert.deepEqual(await names(host, folder), ['file']);
    },
  },
  {
    name: 'replaces a link by a write, and leaves what it led to alone',
    async check({ host, folder }) {
      const [target, link] = [joinHostPath(folder, 'target'), joinHostPath(folder, 'link')];
      await host.writeFile(target, 'target');
      await host.link(link, 'target');
      await host.writeFile(link, 'new');
      assert.equal((await host.stat(link))?.kind, 'file');
      assert.equal(await readText(host, target), 'target');
    },
  },
  {
    name: 'stops a read when its signal fires',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, patternBytes(3_000_000));
      const controller = new AbortController();
      const reader = (await host.readFile(path, { signal: controller.signal })).getReader();
      await reader.read();
      controller.abort();
      await rejectsWith(
        (async () => {
          while (!(await reader.read()).done);
        })(),
        'aborted',
      );
      await rejectsWith(host.readFile(path, { signal: AbortSignal.abort() }), 'aborted');
    },
  },
  {
    name: 'refuses to read what is no file and may never end',
    needs: ['shell'],
    async check({ host, folder }) {
      const fifo = joinHostPath(folder, 'fifo');
      await run(host, { argv: ['mkfifo', fifo] }, { check: true });
      await rejectsWith(host.readFile(fifo), 'unsupported');
      assert.equal((await host.stat(fifo))?.kind, 'other');
    },
  },
];
