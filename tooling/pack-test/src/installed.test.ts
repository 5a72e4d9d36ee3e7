import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '@seedbed/tasks/workspace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmptyProject, emptyProject, rootVersion } from './empty-project.ts';
import { type PackedPackage, packAll } from './packed-package.ts';

/** Entries that exist for the sake of an optional peer dependency: they, and no others, fail without it. */
const NEEDS_PEERS = [
  '@seedbed/binary-cache/npm-registry',
  '@seedbed/blob-store/gridfs',
  '@seedbed/host/ssh',
  '@seedbed/seeds/mongodb',
  '@seedbed/snapshots/mongodb',
];

/** Downloads are part of it. */
const SLOW = 600_000;

let folder: string;
let packed: readonly PackedPackage[];
let project: EmptyProject;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-installed-'));
  packed = await packAll(join(folder, 'tarballs'));
  project = await emptyProject(join(folder, 'project'));
  const installed = await project.install(packed.map(({ tarball }) => tarball));
  if (installed.code !== 0) throw new Error(`npm could not install the tarballs:\n${installed.output}`);
}, SLOW);

afterAll(() => rm(folder, { recursive: true, force: true }));

const entries = (): readonly string[] => packed.flatMap((each) => each.entries);

/** A program that imports each of them and prints what it could not, or what had nothing in it. */
function importing(specifiers: readonly string[]): string {
  return `for (const specifier of ${JSON.stringify(specifiers)}) {
    const names = await import(specifier).then(Object.keys, (error) => error.message.split('\\n')[0]);
    if (!Array.isArray(names) || names.length === 0) console.log(specifier + ': ' + (Array.isArray(names) ? 'is empty' : names));
  }`;
}

describe('installed with npm into an empty project', { timeout: SLOW }, () => {
  test('every entry can be imported without any optional dependency, except those that are there for one', async () => {
    const specifiers = entries().filter((entry) => !NEEDS_PEERS.includes(entry));
    expect(await project.runModule('imports.js', importing(specifiers))).toEqual({ code: 0, output: '' });
  });

  test('the types of every entry resolve and hold together', async () => {
    const imports = entries().map(
      (entry, index) => `import * as entry${index} from '${entry}';\nexport { entry${index} };`,
    );
    await writeFile(join(project.folder, 'types.ts'), imports.join('\n'));
    const compilerOptions = {
      target: 'es2024',
      lib: ['es2025', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noEmit: true,
    };
    await writeFile(
      join(project.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['types.ts'] }),
    );
    const peers = packed.flatMap(({ manifest }) =>
      Object.entries(manifest.peerDependencies ?? {}).map(([name, range]) => `${name}@${range}`),
    );
    const added = await project.install([rootVersion('@types/node'), '@types/pacote@11', ...peers]);
    expect(added.code, added.output).toBe(0);
    expect(await project.run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'])).toEqual({
      code: 0,
      output: '',
    });
  });

  test('with their optional dependencies, the other entries can be imported too', async () => {
    expect(await project.runModule('imports.js', importing(NEEDS_PEERS))).toEqual({ code: 0, output: '' });
  });

  test('a program runs a command on this machine with the installed host', async () => {
    const program = `import { run } from '@seedbed/host';
      import { createLocalHost } from '@seedbed/host/local';
      await using host = createLocalHost();
      const { stdout } = await run(host, { argv: ['echo', 'from the tarball'] });
      console.log(stdout.trim());`;
    expect(await project.runModule('program.js', program)).toEqual({ code: 0, output: 'from the tarball' });
  });
});

const examples = await chosenExamples();

describe.runIf(examples.length > 0)('the examples that are meant for it', { timeout: SLOW }, () => {
  test.each(examples)('%s runs on the tarballs alone', async (name) => {
    await cp(join(ROOT, 'examples', name), join(project.folder, name), {
      recursive: true,
      filter: (source) => !/\/(node_modules|\.turbo|\.reports)(\/|$)/.test(source),
    });
    const { code, output } = await project.run(process.execPath, [join(name, 'src/main.ts')]);
    expect(code, output).toBe(0);
  });
});

/** Those whose package.json says `"seedbed": { "packTest": true }`. Their program is `src/main.ts`. */
async function chosenExamples(): Promise<readonly string[]> {
  const folder = join(ROOT, 'examples');
  const names = existsSync(folder) ? await readdir(folder) : [];
  return names.filter((name) => {
    const file = join(folder, name, 'package.json');
    if (!existsSync(file)) return false;
    const manifest: { seedbed?: { packTest?: boolean } } = JSON.parse(readFileSync(file, 'utf8'));
    return manifest.seedbed?.packTest === true;
  });
}
