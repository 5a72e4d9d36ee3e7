import { type Host, type HostPath, joinHostPath, readText } from '@seedbed/host';

/** The file with the mistake. */
export const faultyFile = 'src/basket.js';
export const testFile = 'test/basket.test.js';

/** What makes a folder a repository to git, and to Codex, which would otherwise take the sample for a part of the checkout that it lies in. */
const gitFolders = ['.git/objects', '.git/refs'];
const gitHead = { path: '.git/HEAD', text: 'ref: refs/heads/main\n' };

const files: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'basket', private: true, type: 'module' }, undefined, 2)}\n`,
  [faultyFile]: `/** In cents. From ten of a kind on, they cost a tenth less. */
export function total(items) {
  let cents = 0;
  for (const { price, count } of items) {
    const share = count > 10 ? 0.9 : 1;
    cents += Math.round(price * count * share);
  }
  return cents;
}
`,
  [testFile]: `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/basket.js';

test('adds up what lies in the basket', () => {
  assert.equal(total([{ price: 250, count: 2 }]), 500);
});

test('takes a tenth off from ten of a kind', () => {
  assert.equal(total([{ price: 100, count: 10 }]), 900);
});
`,
};

/** A small repository with a failing test, and without dependencies. */
export async function writeSampleRepository(host: Host, folder: HostPath): Promise<void> {
  for (const part of [...gitFolders, 'src', 'test']) await host.makeDirectory(joinHostPath(folder, part));
  await host.writeFile(joinHostPath(folder, gitHead.path), gitHead.text);
  for (const [path, text] of Object.entries(files)) await host.writeFile(joinHostPath(folder, path), text);
}

/** The sample's own files that are no longer as they were made, by their paths in it. */
export async function changedFiles(host: Host, folder: HostPath): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const file = joinHostPath(folder, path);
    const stat = await host.stat(file);
    const same = stat?.kind === 'file' && stat.size < 1_000_000 && (await readText(host, file)) === text;
    if (!same) changed.push(path);
  }
  return changed;
}

/**
 * A second folder with the test as it was made, which tests the source that lies in the first: whatever became of the test there,
 * this one says whether the mistake is gone.
 */
export async function writeOriginalTest(host: Host, check: HostPath, sample: HostPath): Promise<HostPath> {
  const test = joinHostPath(check, testFile);
  await host.makeDirectory(check, { mode: 0o700 });
  await host.makeDirectory(joinHostPath(check, 'test'));
  await host.writeFile(joinHostPath(check, 'package.json'), files['package.json'] ?? '{}');
  await host.writeFile(test, files[testFile] ?? '');
  await host.link(joinHostPath(check, 'src'), joinHostPath(sample, 'src'));
  return test;
}
