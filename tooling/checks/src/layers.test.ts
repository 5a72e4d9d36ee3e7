import { ROOT } from '@seedbed/tasks/workspace';
import { describe, expect, test } from 'vitest';
import { allPackages, type CheckedPackage, publicPackages, readManifest } from './manifest.ts';
import { leavesPackage, packageOf, type SourceImport, sourceImports } from './source-imports.ts';

/** Which package may import which: imports go down only, and siblings do not know each other. Written down so that a change is a decision. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  '@seedbed/host': [],
  '@seedbed/conversation-protocol': [],
  '@seedbed/blob-store': [],
  '@seedbed/snapshots': ['@seedbed/blob-store', '@seedbed/host'],
  '@seedbed/seeds': ['@seedbed/blob-store', '@seedbed/host'],
  '@seedbed/sandbox-policy': ['@seedbed/host'],
  '@seedbed/binary-cache': ['@seedbed/host'],
  '@seedbed/agent-codex': [
    '@seedbed/binary-cache',
    '@seedbed/blob-store',
    '@seedbed/conversation-protocol',
    '@seedbed/host',
    '@seedbed/sandbox-policy',
    '@seedbed/seeds',
    '@seedbed/snapshots',
  ],
};

/** Tools that every package's tests may use without naming them: the root names them once. */
const SHARED_TOOLS = Object.keys(readManifest(ROOT).devDependencies ?? {});

test('every published package has its place in the graph', () => {
  expect(publicPackages.map(({ name }) => name).sort()).toEqual(Object.keys(LAYERS).sort());
});

describe.each(publicPackages)('$name', ({ name, manifest, folder }) => {
  const imports = sourceImports(folder);
  const allowed = LAYERS[name] ?? [];

  test('depends on the workspace packages below it and on no others', () => {
    expect(workspaceNames({ ...manifest.dependencies, ...manifest.peerDependencies }).sort()).toEqual(
      [...allowed].sort(),
    );
  });

  test('imports no workspace package but those below it', () => {
    const others = imports
      .filter(({ published }) => published)
      .filter((each) => {
        const target = packageOf(each.specifier);
        return target !== undefined && isWorkspace(target) && target !== name && !allowed.includes(target);
      });
    expect(others).toEqual([]);
  });

  test('has tests that use no package which is built on it', () => {
    const above = workspaceNames(manifest.devDependencies ?? {}).filter((other) => reaches(other, name));
    expect(above).toEqual([]);
  });
});

describe.each(allPackages)('$name', (checked) => {
  const imports = sourceImports(checked.folder);

  test('declares every package that it imports', () => {
    expect(imports.filter((each) => !isDeclared(checked, each))).toEqual([]);
  });

  test('names the parts of Node with node:', () => {
    const bare = imports.filter(
      ({ specifier }) => packageOf(specifier) === undefined && !/^(\.|#|node:)/.test(specifier),
    );
    expect(bare).toEqual([]);
  });

  test('reaches no other package by a relative path', () => {
    const outside = imports.filter((each) => leavesPackage(checked.folder, each));
    // What tests report is one form that two tools share with the configuration of every package, which cannot be a dependency of all.
    expect(outside.filter(({ specifier }) => !specifier.endsWith('/vitest/test-report.ts'))).toEqual([]);
  });
});

function isDeclared(
  { name, manifest, parent }: CheckedPackage,
  { specifier, published }: SourceImport,
): boolean {
  const target = packageOf(specifier);
  if (target === undefined || target === name) return true;
  const installed = { ...manifest.dependencies, ...manifest.peerDependencies };
  if (target in installed) return true;
  const needsInstall = published && parent === 'packages';
  return !needsInstall && (target in (manifest.devDependencies ?? {}) || SHARED_TOOLS.includes(target));
}

function isWorkspace(name: string): boolean {
  return allPackages.some((each) => each.name === name);
}

function workspaceNames(dependencies: Readonly<Record<string, string>>): string[] {
  return Object.keys(dependencies).filter((name) => isWorkspace(name));
}

/** Whether `from` is built on `to`, directly or not. */
function reaches(from: string, to: string): boolean {
  return from === to || (LAYERS[from] ?? []).some((next) => reaches(next, to));
}
