import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publicPackages } from './manifest.ts';

/** Every way into every package, and the source behind it. Written down so that a change to what users can import is a decision. */
const EXPORTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '@seedbed/agent-codex': { '.': './src/index.ts', './testing': './src/testing/index.ts' },
  '@seedbed/binary-cache': { '.': './src/index.ts', './npm-registry': './src/npm-registry/index.ts' },
  '@seedbed/blob-store': {
    '.': './src/index.ts',
    './gridfs': './src/gridfs/index.ts',
    './directory': './src/directory/index.ts',
    './testing': './src/testing/index.ts',
  },
  '@seedbed/conversation-protocol': {
    '.': './src/index.ts',
    './json-rpc': './src/json-rpc/index.ts',
  },
  '@seedbed/host': {
    '.': './src/index.ts',
    './local': './src/local/index.ts',
    './ssh': './src/ssh/index.ts',
    './testing': './src/testing/index.ts',
  },
  '@seedbed/sandbox-policy': { '.': './src/index.ts' },
  '@seedbed/seeds': {
    '.': './src/index.ts',
    './mongodb': './src/mongodb/index.ts',
    './sqlite': './src/sqlite/index.ts',
    './testing': './src/testing/index.ts',
  },
  '@seedbed/snapshots': {
    '.': './src/index.ts',
    './mongodb': './src/mongodb/index.ts',
    './sqlite': './src/sqlite/index.ts',
    './testing': './src/testing/index.ts',
  },
};

/** What a source becomes when the package is built. */
function built(source: string): { readonly types: string; readonly default: string } {
  const stem = source.replace('./src/', './dist/').replace(/\.ts$/, '');
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

describe.each(publicPackages)('$name', ({ name, folder, manifest }) => {
  const pinned = EXPORTS[name] ?? {};

  test('can be entered where it is written down, and nowhere else', () => {
    expect(manifest.exports).toEqual(pinned);
  });

  test('can be entered in the same places when it is published, built', () => {
    const expected = Object.fromEntries(
      Object.entries(pinned).map(([entry, source]) => [entry, built(source)]),
    );
    expect(manifest.publishConfig).toEqual({ access: 'public', exports: expected });
  });

  test('says what it is, under which licence, and how to use it', () => {
    expect(manifest.description ?? '').toMatch(/^[A-Z].{20,}\.$/);
    expect(manifest.license).toBe('Apache-2.0');
    expect(existsSync(join(folder, 'README.md')), 'README.md is missing').toBe(true);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(
      new RegExp(`(npm install|npm i|pnpm add) ${name}\\b`),
    );
  });
});
