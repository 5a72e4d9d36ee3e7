import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '@seedbed/tasks/workspace';
import { describe, expect, test } from 'vitest';
import { publicPackages } from './manifest.ts';

interface ShownProgram {
  /** The file that the comment above the program names. */
  readonly source: string;
  readonly text: string;
}

/** The programs of a page that say where they come from: `<!-- examples/… -->` above a block of TypeScript. */
function shownPrograms(page: string): readonly ShownProgram[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^<!-- (examples\/\S+\.ts) -->\n+```ts\n(.*?)^```$/gms)].map(
    ([, source = '', program = '']) => ({ source, text: program }),
  );
}

const pages = [
  'README.md',
  ...publicPackages.map(({ folder }) => join(folder, 'README.md').slice(ROOT.length + 1)),
].filter((page) => existsSync(join(ROOT, page)));

test('the first page shows the twenty-line program, and agent-codex too', () => {
  const shownIn = (page: string): readonly string[] => shownPrograms(page).map(({ source }) => source);
  expect(shownIn('README.md')).toContain('examples/twenty-lines/src/main.ts');
  expect(shownIn('packages/agent-codex/README.md')).toContain('examples/twenty-lines/src/main.ts');
});

describe.each(pages)('%s', (page) => {
  test('shows its programs as the examples that are tested', () => {
    for (const { source, text } of shownPrograms(page)) {
      expect(existsSync(join(ROOT, source)), `${page} shows ${source}, which is not there`).toBe(true);
      expect(text, `${page} and ${source} differ: copy the file into the page`).toBe(
        readFileSync(join(ROOT, source), 'utf8'),
      );
    }
  });
});

/** Whose every piece of TypeScript is a part of an example. */
test.each(['agent-codex', 'blob-store', 'host', 'snapshots'].map((name) => `packages/${name}/README.md`))(
  'all of the TypeScript in %s is compiled, and tested',
  (page) => {
    const blocks = readFileSync(join(ROOT, page), 'utf8').match(/^```ts$/gm) ?? [];
    expect(blocks).toHaveLength(shownPrograms(page).length);
  },
);

/** The packages that programs of a page import, as they are installed: without their subpaths. Who shows a test is not asked for the runner. */
function importedPackages(page: string): readonly string[] {
  const blocks = readFileSync(join(ROOT, page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms);
  const specifiers = [...blocks].flatMap(([, program = '']) =>
    [...program.matchAll(/ from '(?!node:|vitest'|\.)(@[^/']+\/[^/']+|[^/']+)/g)].map(
      ([, name = '']) => name,
    ),
  );
  return [...new Set(specifiers)].sort();
}

test.each(pages.filter((page) => page !== 'README.md'))(
  '%s says to install what its programs import',
  (page) => {
    const installed = [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(/^npm install ([^#\n]*)/gm),
    ].flatMap(([, names = '']) => names.trim().split(/\s+/));
    expect(importedPackages(page).filter((name) => !installed.includes(name))).toEqual([]);
  },
);

test('every example is a package with a program and a test of it', () => {
  const incomplete = readdirSync(join(ROOT, 'examples')).filter(
    (name) =>
      !['package.json', 'src/main.ts', 'src/main.test.ts'].every((file) =>
        existsSync(join(ROOT, 'examples', name, file)),
      ),
  );
  expect(incomplete).toEqual([]);
});
