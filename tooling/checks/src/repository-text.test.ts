import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '@seedbed/tasks/workspace';
import { beforeEach, expect, test } from 'vitest';

/** Everything that is committed, or is about to be; none where this is no checkout but a copy. */
const files: readonly string[] = existsSync(join(ROOT, '.git')) ? committedFiles() : [];

beforeEach((context) => {
  if (files.length === 0) context.skip('this is no git checkout, so nothing says which files belong to it');
});

function committedFiles(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter(
      (file) => file !== '' && existsSync(join(ROOT, file)) && statSync(join(ROOT, file)).size < 5_000_000,
    );
}

function mentions(pattern: RegExp): readonly string[] {
  return files.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 160)}`] : [],
      ),
  );
}

function anyOf(texts: readonly string[]): RegExp {
  return new RegExp(texts.map((text) => RegExp.escape(text)).join('|'));
}

/** The hosts that this machine's package clients are set up with, as they themselves say. */
function registryHosts(): readonly string[] {
  const npm = execFileSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const sources = ['/etc/apt/sources.list', ...inFolder('/etc/apt/sources.list.d')].filter((file) =>
    existsSync(file),
  );
  const text = [npm, ...sources.map((file) => readFileSync(file, 'utf8'))].join('\n');
  return [
    ...new Set([...text.matchAll(/https?:\/\/(?:[^/@\s]*@)?([^/:\s]+)/g)].flatMap(([, host]) => host ?? [])),
  ];
}

function inFolder(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

test('no package registry is named by its host: the address is the business of each client’s own configuration', () => {
  const hosts = registryHosts();
  expect(hosts).not.toEqual([]);
  expect(mentions(anyOf(hosts))).toEqual([]);
});

test('no path of one machine is named', () => {
  const ofThisMachine = [ROOT, homedir()].filter((path) => path.split('/').length > 2);
  const ofAny = /(^|[^a-z])\/(work|farm|root)\/[a-z]/;
  expect([...mentions(ofAny), ...(ofThisMachine.length > 0 ? mentions(anyOf(ofThisMachine)) : [])]).toEqual(
    [],
  );
});

test('no npm settings are committed, which could name a registry or hold a token', () => {
  expect(files.filter((file) => /(^|\/)\.(npmrc|yarnrc.*)$/.test(file))).toEqual([]);
});

test('the lockfile names no address', () => {
  expect(readFileSync(join(ROOT, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/https?:\/\//);
});

test('no test hands a regular expression to toMatchObject as a member, where any text passes for it', () => {
  expect(mentions(/[{,]\s*(message|story|reason|detail|stack): \/[^/*]/)).toEqual([]);
  expect(mentions(/^\s+(message|story|reason|detail|stack): \/[^/*]/)).toEqual([]);
});
