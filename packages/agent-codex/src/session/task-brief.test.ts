import {
  appendFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { appendToResumeLog, writeBrief } from './task-brief.ts';

const host = createLocalHost();

async function openWorkdir(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-brief-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const brief = { text: 'Do this.', exclude: ['node_modules', 'home/.cache'] };

describe('AGENTS.md', () => {
  it('says what is to be done, and what snapshots leave out', async () => {
    await using place = await openWorkdir();
    await writeBrief(host, hostPath(place.path), brief);
    const text = await readFile(join(place.path, 'AGENTS.md'), 'utf8');
    for (const part of ['Do this.', '`node_modules`', '`home/.cache`', 'resume.log', 'REFRESHED:'])
      expect(text).toContain(part);
    await writeBrief(host, hostPath(place.path), { ...brief, text: 'Do that.' });
    expect(await readFile(join(place.path, 'AGENTS.md'), 'utf8')).not.toContain('Do this.');
  });

  it('says how much is kept where that is limited', async () => {
    await using place = await openWorkdir();
    const text = async (): Promise<string> => await readFile(join(place.path, 'AGENTS.md'), 'utf8');
    await writeBrief(host, hostPath(place.path), brief);
    expect(await text()).not.toContain('regenerable.txt');
    await writeBrief(host, hostPath(place.path), { ...brief, maxBytes: 5_000 });
    expect(await text()).toMatch(/no more than 5000 bytes .*regenerable\.txt/);
  });

  it('that came with the folder is left alone', async () => {
    await using place = await openWorkdir();
    await writeFile(join(place.path, 'AGENTS.md'), '# The rules of this repository\n');
    await expect(writeBrief(host, hostPath(place.path), brief)).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('brief'),
    });
    expect(await readFile(join(place.path, 'AGENTS.md'), 'utf8')).toBe('# The rules of this repository\n');
  });

  it('takes the place of what the task has put there since one was written', async () => {
    await using place = await openWorkdir();
    const workdir = hostPath(place.path);
    expect(await writeBrief(host, workdir, brief)).toBe(false);
    await writeFile(join(place.path, 'AGENTS.md'), '# The rules of a repository that was checked out\n');
    expect(await writeBrief(host, workdir, { ...brief, wasWritten: true })).toBe(true);
    expect(await readFile(join(place.path, 'AGENTS.md'), 'utf8')).toContain('Do this.');
    expect(await writeBrief(host, workdir, { ...brief, wasWritten: true })).toBe(false);
  });

  it('takes the place of a folder that an agent has made there', async () => {
    await using place = await openWorkdir();
    await mkdir(join(place.path, 'AGENTS.md/below'), { recursive: true });
    await writeBrief(host, hostPath(place.path), brief);
    expect(await readFile(join(place.path, 'AGENTS.md'), 'utf8')).toContain('Do this.');
  });

  it('is not written through a link that an agent has put in its place', async () => {
    await using place = await openWorkdir();
    await writeFile(join(place.path, 'outside'), 'outside');
    await symlink('outside', join(place.path, 'AGENTS.md'));
    await writeBrief(host, hostPath(place.path), brief);
    expect(await readFile(join(place.path, 'outside'), 'utf8')).toBe('outside');
    expect((await lstat(join(place.path, 'AGENTS.md'))).isFile()).toBe(true);
  });
});

it('writes AGENTS.md anew also when an agent has made it very long', async () => {
  await using place = await openWorkdir();
  const workdir = hostPath(place.path);
  await writeBrief(host, workdir, brief);
  await appendFile(join(place.path, 'AGENTS.md'), 'x'.repeat(3_000_000));
  await writeBrief(host, workdir, brief);
  expect((await readFile(join(place.path, 'AGENTS.md'), 'utf8')).length).toBeLessThan(10_000);
});

describe('resume.log', () => {
  it('has a line for each time, and no more lines than were written', async () => {
    await using place = await openWorkdir();
    const workdir = hostPath(place.path);
    await appendToResumeLog(host, workdir, { lines: ['RESUMED: once\nDONE'], now: 0 });
    await appendToResumeLog(host, workdir, { lines: ['RESUMED: twice', 'REFRESHED: x'], now: 1_000 });
    expect(await readFile(join(place.path, 'resume.log'), 'utf8')).toBe(
      [
        '1970-01-01T00:00:00.000Z RESUMED: once DONE\n',
        '1970-01-01T00:00:01.000Z RESUMED: twice\n',
        '1970-01-01T00:00:01.000Z REFRESHED: x\n',
      ].join(''),
    );
  });

  it('stays bounded, whatever an agent has made of it', async () => {
    await using place = await openWorkdir();
    await writeFile(join(place.path, 'resume.log'), 'x'.repeat(3_000_000));
    await appendToResumeLog(host, hostPath(place.path), { lines: ['RESUMED: again'], now: 0 });
    const text = await readFile(join(place.path, 'resume.log'), 'utf8');
    expect(text.length).toBeLessThan(70_000);
    expect(text).toMatch(/RESUMED: again\n$/);
  });

  it('does not hold up a task whose agent has made a folder of its name', async () => {
    await using place = await openWorkdir();
    await mkdir(join(place.path, 'resume.log/x'), { recursive: true });
    await appendToResumeLog(host, hostPath(place.path), { lines: ['RESUMED: again'], now: 0 });
    expect(await readdir(join(place.path, 'resume.log'))).toEqual(['x']);
  });
});
