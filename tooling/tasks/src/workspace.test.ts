import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKSPACE_FOLDERS } from '@seedbed/bootstrap/workspace';
import { expect, test } from 'vitest';
import { ROOT, selectPackages, UnknownPackage, workspacePackages } from './workspace.ts';

const packages = workspacePackages(ROOT);

test('a package is found by its short name, its full name and its folder', () => {
  for (const word of ['host', '@seedbed/host', 'packages/host', 'packages/host/']) {
    expect(selectPackages(packages, [word]).map(({ folder }) => folder)).toEqual(['packages/host']);
  }
});

test('a word that names no package is refused, and the message lists those that there are', () => {
  expect(() => selectPackages(packages, ['hots'])).toThrow(UnknownPackage);
  expect(() => selectPackages(packages, ['hots'])).toThrow(/host, .*tasks/);
});

test('the folders that are looked through are those of pnpm-workspace.yaml', () => {
  const text = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
  const named = [...text.matchAll(/^ {2}- (\w+)\/\*$/gm)].map(([, parent]) => parent);
  expect(named).toEqual(WORKSPACE_FOLDERS);
});
