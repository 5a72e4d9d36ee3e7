import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runTurbo, type TaskOutcome } from './turbo-run.ts';
import { ROOT, workspacePackages } from './workspace.ts';

/** The repository's own turbo.json over three small packages: `middle` uses `base`, `other` uses nothing. */
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seedbed-tasks-'));
  for (const file of [
    'turbo.json',
    'package.json',
    'pnpm-workspace.yaml',
    '.node-version',
    'tooling/typescript',
  ]) {
    await cp(join(ROOT, file), join(root, file), { recursive: true });
  }
  // Turbo alone: a package manager that finds the repository's own modules here would take them for stale.
  await mkdir(join(root, 'node_modules/.bin'), { recursive: true });
  await symlink(join(ROOT, 'node_modules/turbo/bin/turbo'), join(root, 'node_modules/.bin/turbo'));
  await writePackage('packages/base', {});
  await writePackage('packages/middle', { '@seedbed/base': 'workspace:*' });
  await writePackage('packages/other', {});
  // What every package's tests are an effect of is a package itself, and leaves logs and reports in its folder.
  await writePackage('tooling/vitest', {});
  await writeFile(
    join(root, 'pnpm-lock.yaml'),
    "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  packages/base: {}\n\n  packages/middle:\n    dependencies:\n      '@seedbed/base':\n        specifier: workspace:*\n        version: link:../base\n\n  packages/other: {}\n\n  tooling/vitest: {}\n",
  );
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function writePackage(place: string, dependencies: Record<string, string>): Promise<void> {
  const folder = join(root, place);
  const name = basename(place);
  await mkdir(join(folder, 'src'), { recursive: true });
  const report = '{"passed":1,"failed":[],"skipped":[]}';
  const scripts = { check: 'true', test: `mkdir -p .reports && echo '${report}' > .reports/tests.json` };
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: `@seedbed/${name}`, type: 'module', scripts, dependencies }),
  );
  await writeFile(join(folder, 'src/index.ts'), '');
}

async function run(tasks: readonly string[]): Promise<readonly TaskOutcome[]> {
  return (await runTurbo(root, tasks, workspacePackages(root))).outcomes;
}

function rerun(outcomes: readonly TaskOutcome[]): readonly string[] {
  return outcomes
    .filter(({ cached }) => !cached)
    .map(({ packageName, task }) => `${packageName}#${task}`)
    .sort();
}

test('what did not change is not run again', async () => {
  expect(rerun(await run(['check', 'test']))).toHaveLength(8);
  expect(rerun(await run(['check', 'test']))).toEqual([]);
});

test('a change in one package runs its tasks and those of the packages that use it, and no others', async () => {
  await run(['check', 'test']);
  await writeFile(join(root, 'packages/base/src/index.ts'), 'export const changed = 1;\n');
  expect(rerun(await run(['check', 'test']))).toEqual([
    '@seedbed/base#check',
    '@seedbed/base#test',
    '@seedbed/middle#check',
    '@seedbed/middle#test',
  ]);
});

test('a change in a test runs its own package alone', async () => {
  await run(['check', 'test']);
  await writeFile(join(root, 'packages/base/src/index.test.ts'), 'export {};\n');
  expect(rerun(await run(['check', 'test']))).toEqual(['@seedbed/base#check', '@seedbed/base#test']);
});

test('a change in a README runs no type check', async () => {
  await run(['check']);
  await writeFile(join(root, 'packages/base/README.md'), 'new\n');
  expect(rerun(await run(['check']))).toEqual([]);
});

test('a failing task is said to have failed, the others run all the same, and a failure is not remembered', async () => {
  const manifest = { name: '@seedbed/base', type: 'module', scripts: { check: 'exit 3' } };
  await writeFile(join(root, 'packages/base/package.json'), JSON.stringify(manifest));
  const failed = { packageName: '@seedbed/base', task: 'check', ended: 'failed', cached: false };
  const first = await runTurbo(root, ['check'], []);
  expect(first.exitCode).not.toBe(0);
  expect(first.outcomes).toHaveLength(4);
  expect(first.outcomes).toContainEqual(expect.objectContaining(failed));
  expect(await run(['check'])).toContainEqual(expect.objectContaining(failed));
});
