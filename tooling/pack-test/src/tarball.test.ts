import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, workspacePackages } from '@seedbed/tasks/workspace';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PackedPackage, packAll, publicPackageNames } from './packed-package.ts';

const execute = promisify(execFile);

/** Each reads all of a package, and one compiles against it. */
const SLOW = 240_000;

let folder: string;
let packed: readonly PackedPackage[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-tarballs-'));
  packed = await packAll(folder);
}, SLOW);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('turbo builds every published package before these tests: all are dependencies here', () => {
  const manifest: { devDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining([...publicPackageNames]));
});

describe.each(publicPackageNames)('the tarball of %s', { timeout: SLOW }, (name) => {
  const find = (): PackedPackage => {
    const found = packed.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} was not packed.`);
    return found;
  };

  test('holds the licence, the README, a description, and of the package what is built', () => {
    const { files, manifest } = find();
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
    expect(manifest.description).toEqual(expect.stringMatching(/\S/));
    const others = files.filter(
      (file) => !/^(LICENSE|README\.md|CHANGELOG\.md|package\.json|dist\/.+\.(js|js\.map|d\.ts))$/.test(file),
    );
    expect(others).toEqual([]);
  });

  test('holds no tests, and nothing whose source is gone', () => {
    const source = workspacePackages(ROOT).find((each) => each.name === name)?.folder ?? '';
    const scripts = find().files.filter((file) => file.endsWith('.js'));
    expect(scripts.filter((file) => file.includes('.test.'))).toEqual([]);
    const orphans = scripts.filter(
      (file) => !existsSync(join(ROOT, source, file.replace(/^dist/, 'src').replace(/js$/, 'ts'))),
    );
    expect(orphans).toEqual([]);
  });

  test('holds for each module its declarations, and a source map with the source in it', () => {
    const { files, content } = find();
    for (const file of files.filter((each) => each.endsWith('.js'))) {
      expect(files).toContain(file.replace(/js$/, 'd.ts'));
      const map: { sourcesContent?: readonly unknown[] } = JSON.parse(
        readFileSync(join(content, `${file}.map`), 'utf8'),
      );
      expect(map.sourcesContent?.[0]).toEqual(expect.any(String));
    }
  });

  test('satisfies publint', async () => {
    const { tarball } = find();
    const bytes = await readFile(tarball);
    const file = new Uint8Array(bytes).buffer;
    const { messages, pkg } = await publint({ pack: { tarball: file }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test('has types that resolve as an ES module everywhere, says attw', async () => {
    const attw = join(import.meta.dirname, '../node_modules/.bin/attw');
    const args = [find().tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color'];
    const problems = await execute(attw, args).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
    expect(problems).toBe('');
  });
});
