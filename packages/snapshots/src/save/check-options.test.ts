import { createKeyring } from '@seedbed/blob-store';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { createSnapshots, type SaveSnapshotOptions } from '../index.ts';

const host = createLocalHost();

/** As who writes JavaScript may give it. */
const untyped = (options: string): Partial<SaveSnapshotOptions> => JSON.parse(options);

it('refuses what cannot be noted before anything is stored, and names it', async () => {
  await using ground = await openGround();
  const { work, index, blobs, snapshots } = ground;
  const loop: unknown[] = [];
  loop.push(loop);
  const cases: readonly (readonly [Partial<SaveSnapshotOptions>, string])[] = [
    [untyped('{"labels":{"attempt":3}}'), 'attempt'],
    [untyped('{"endState":"finished"}'), 'endState'],
    [untyped('{"exclude":"node_modules"}'), 'exclude'],
    [{ keep: Number.NaN }, 'keep'],
    [{ keep: 0 }, 'keep'],
    [{ maxBytes: Number.NaN }, 'maxBytes'],
    [{ maxEntries: -1 }, 'maxEntries'],
    [Object.assign(untyped('{}'), { facts: loop }), 'facts'],
    [Object.assign(untyped('{}'), { facts: 3n }), 'facts'],
  ];
  for (const [options, name] of cases) {
    const saving = snapshots.save(host, work, { task: 't', ...options });
    await expect(saving, name).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining(name),
    });
  }
  expect(await index.read('t')).toBeUndefined();
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
  await expect(snapshots.prune('t', { keep: Number.NaN })).rejects.toMatchObject({ code: 'invalid-config' });
});

it('wants a keyring, or the word', async () => {
  await using ground = await openGround();
  const { index, blobs } = ground;
  const keyring = createKeyring({ current: 'k', keys: { k: new Uint8Array(32) } });
  expect(() => createSnapshots({ index, blobs, encryption: keyring })).not.toThrow();
  for (const encryption of [JSON.parse('"plain"'), JSON.parse('null'), undefined])
    expect(() => createSnapshots({ index, blobs, encryption })).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
});
