import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { downloadTimeout, fetchCodex, startDemo } from './demo-process.ts';

const fixed = 'count >= 10';
const question = 'Allow? [y]es [n]o [a]lways [q]uit: ';

beforeAll(async () => {
  await fetchCodex('0.142.5');
  await fetchCodex('0.169.0');
}, downloadTimeout);

/** Several commands of a real Codex are part of it. */
const SLOW = 240_000;

describe.each(['0.142.5', '0.169.0'])('the demonstration with Codex %s', { timeout: SLOW }, (version) => {
  it('repairs the sample unattended through a pipe, and leaves the sample and nothing else', async () => {
    await using demo = await startDemo(['--yes', '--codex', version]);
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 0 });
    expect(await demo.source()).toContain(fixed);
    const printed = demo.printed();
    expect(printed).toContain(`Codex ${version}`);
    expect(printed).toContain('  │ +    const share = count >= 10 ? 0.9 : 1;');
    expect(printed).toMatch(/└ exit code 1\b.*└ exit code 0\b.*✓ Checked: the test passes now\./s);
    expect(printed).toMatch(/ {2}tokens {3}\d+ in, \d+ out\n {2}changed {2}src\/basket\.js\n/);
    expect(printed).not.toContain('\u001b');
    expect((await readdir(demo.workdir)).sort()).toEqual(['.git', 'package.json', 'src', 'test']);
    expect(await demo.processes()).toEqual([]);
  });

  it('asks at the terminal, and does what is allowed there', async () => {
    await using demo = await startDemo(['--codex', version], { columns: 80 });
    await demo.waitFor(question);
    expect(demo.printed()).toContain('It says: May I run the test?');
    expect(demo.printed()).not.toContain('tests 2');
    await demo.type('a\n');
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 0 });
    expect(demo.printed().split(question)).toHaveLength(2);
    expect(await demo.source()).toContain(fixed);
  });

  it('takes a no, and says what it therefore does not know', async () => {
    await using demo = await startDemo(['--codex', version], { columns: 80 });
    await demo.waitFor(question);
    await demo.type('n\n');
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 0 });
    expect(demo.printed()).toContain('└ not run');
    expect(demo.printed()).toContain('I have not seen it pass');
  });

  it('ends cleanly at Ctrl-C while it asks: nothing was changed and nothing runs on', async () => {
    await using demo = await startDemo(['--codex', version], { columns: 80 });
    await demo.waitFor(question);
    expect(await demo.processes()).not.toEqual([]);
    await demo.type('\u0003');
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 130 });
    expect(demo.printed()).toContain('Stopped. Codex has ended.');
    expect(await demo.processes()).toEqual([]);
    expect(await demo.source()).not.toContain(fixed);
    expect(await readdir(demo.workdir)).not.toContain('home');
  });
});

describe('the demonstration', { timeout: SLOW }, () => {
  it('ends cleanly when nobody reads its output any more', async () => {
    await using demo = await startDemo(['--yes'], { reader: 'leaves' });
    expect(await demo.exit).toEqual({ kind: 'exited', code: 1 });
    expect(await demo.processes()).toEqual([]);
    expect(await readdir(demo.workdir)).not.toContain('home');
  });

  it('fails when the sample was not repaired', async () => {
    await using demo = await startDemo([], { columns: 80 });
    await demo.waitFor(question);
    await demo.type('q\n');
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 1 });
    expect(demo.printed()).toContain('✗ Checked: the test does not pass.');
  });

  it('ends cleanly at Ctrl-C while Codex starts', async () => {
    await using demo = await startDemo([], { columns: 80 });
    await demo.waitFor('starting Codex');
    await demo.type('\u0003');
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 130 });
    expect(await demo.processes()).toEqual([]);
  });

  it.each([
    ['nobody can be asked', [], 'npm run demo -- --yes'],
    ['there is no key for the real service', ['--yes', '--model', 'm'], 'OPENAI_API_KEY or CODEX_API_KEY'],
    ['the version is not supported', ['--yes', '--codex', '1.0.0'], '0.142.5 or 0.169.0'],
    ['the folder is taken', ['--yes', '--workdir', '/'], 'is not an empty folder'],
  ])('does not begin when %s', async (_, args, message) => {
    await using demo = await startDemo(args);
    expect(await demo.exit).toEqual({ kind: 'exited', code: 2 });
    expect(demo.printed()).toContain(message);
    await expect(readdir(demo.workdir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('with --keep leaves Codex’s record of the session too, but never a login', async () => {
    await using demo = await startDemo(['--yes', '--keep']);
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 0 });
    const codexHome = await readdir(join(demo.workdir, 'home/.codex'));
    expect(codexHome).toContain('sessions');
    expect(codexHome).not.toContain('auth.json');
  });

  it('runs without a sandbox of Codex when this machine is declared to be one', async () => {
    await using demo = await startDemo(['--yes', '--sandbox', 'external']);
    expect(await demo.exit, demo.printed()).toEqual({ kind: 'exited', code: 0 });
    expect(demo.printed()).toContain('this machine, as you said');
  });

  it('prints its help and does nothing else', async () => {
    await using demo = await startDemo(['--help']);
    expect(await demo.exit).toEqual({ kind: 'exited', code: 0 });
    expect(demo.printed()).toContain('--sandbox WHO');
  });
});
