import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { BlobId } from '@seedbed/blob-store';
import { SnapshotError, type SnapshotErrorCode } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { emptyHead, type TaskHead } from '../task-head.ts';

export interface SnapshotContractOptions {
  /** An index, and another one onto the same place, as another program would have it. */
  readonly open: () => Promise<
    { readonly index: SnapshotIndex; readonly other: SnapshotIndex } & AsyncDisposable
  >;
}

export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What every {@link SnapshotIndex} promises, for any test runner: `for (const { name, run } of snapshotIndexContract(…)) it(name, run)`. */
export function snapshotIndexContract({ open }: SnapshotContractOptions): readonly ContractCase[] {
  const withIndex =
    (work: (index: SnapshotIndex, other: SnapshotIndex) => Promise<void>): (() => Promise<void>) =>
    async () => {
      await using place = await open();
      await work(place.index, place.other);
    };
  return [
    {
      name: 'gives back what was written, to everybody',
      run: withIndex(async (index, other) => {
        const head = headOf(randomUUID(), 1);
        assert.equal(await index.write(head, 0), true);
        assert.deepEqual(await index.read(head.task), head);
        assert.deepEqual(await other.read(head.task), head);
      }),
    },
    {
      name: 'knows nothing of a task that was never saved',
      run: withIndex(async (index) => {
        assert.equal(await index.read(randomUUID()), undefined);
        assert.equal(await index.write(headOf(randomUUID(), 2), 1), false);
      }),
    },
    {
      name: 'changes a head for whoever names its revision, and for nobody else',
      run: withIndex(async (index, other) => {
        const head = headOf(randomUUID(), 1);
        await index.write(head, 0);
        assert.equal(await other.write({ ...head, sweeps: 1 }, 0), false, 'it is not made twice');
        assert.equal(await other.write({ ...head, revision: 3 }, 2), false);
        assert.deepEqual(await index.read(head.task), head);
        assert.equal(await other.write({ ...head, revision: 2, sweeps: 5 }, 1), true);
        assert.equal((await index.read(head.task))?.sweeps, 5);
      }),
    },
    {
      name: 'lets one win of any number who change one revision at once',
      run: withIndex(async (index, other) => {
        const head = headOf(randomUUID(), 1);
        const first = await Promise.all(
          Array.from({ length: 20 }, (_, at) => (at % 2 ? index : other).write({ ...head, sweeps: at }, 0)),
        );
        assert.equal(first.filter(Boolean).length, 1);
        const next = { ...head, revision: 2 };
        const second = await Promise.all(
          Array.from({ length: 20 }, (_, at) => (at % 2 ? index : other).write({ ...next, sweeps: at }, 1)),
        );
        assert.equal(second.filter(Boolean).length, 1);
        assert.equal((await index.read(head.task))?.sweeps, second.indexOf(true));
      }),
    },
    {
      name: 'gives the name of every task that has a snapshot, whatever it is',
      run: withIndex(async (index, other) => {
        const odd = ['a b', 'ä/../x', '$where', 'a.b', 'x'.repeat(500), '\u{1f331}', '.'];
        const names = [...odd, ...Array.from({ length: 450 }, () => randomUUID())];
        for (const name of names) await index.write(headOf(name, 1), 0);
        await index.write({ ...emptyHead(randomUUID()), revision: 1 }, 0);
        const found: string[] = [];
        for await (const task of other.tasks()) found.push(task);
        assert.deepEqual(found.sort(), names.sort());
      }),
    },
    {
      name: 'writes no head that it could not read again',
      run: withIndex(async (index) => {
        const head = headOf(randomUUID(), 1);
        const snapshots = head.snapshots.map((row) => ({ ...row, labels: JSON.parse('{"attempt":3}') }));
        await assert.rejects(index.write({ ...head, snapshots }, 0), isOf('invalid-config'));
        assert.equal(await index.read(head.task), undefined);
      }),
    },
    {
      name: 'does nothing for whoever has given up',
      run: withIndex(async (index) => {
        const head = headOf(randomUUID(), 1);
        const signal = AbortSignal.abort();
        await assert.rejects(index.write(head, 0, { signal }), isOf('aborted'));
        await assert.rejects(index.read(head.task, { signal }), isOf('aborted'));
        assert.equal(await index.read(head.task), undefined);
      }),
    },
  ];
}

function isOf(code: SnapshotErrorCode): (failure: unknown) => boolean {
  return (failure) => failure instanceof SnapshotError && failure.code === code;
}

function headOf(task: string, revision: number): TaskHead {
  return {
    ...emptyHead(task),
    revision,
    nextNumber: 8,
    condemned: ['c1' as BlobId],
    snapshots: [
      {
        ...{ number: 7, saveId: randomUUID(), createdMs: 1_700_000_000_000.25, endState: 'checkpoint' },
        ...{ labels: { 'a.b': '$x', ä: '' }, host: 'local', entries: 3, bytes: 2 ** 40 },
        ...{ manifest: 'm1' as BlobId, manifestDigest: 'ab'.repeat(32) },
        packs: [{ blob: 'p1' as BlobId, bytes: 10, usedBytes: 5 }],
      },
    ],
  };
}
