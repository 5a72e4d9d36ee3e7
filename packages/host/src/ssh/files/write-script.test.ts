import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { whyNoBusybox } from '../../../test/busybox-root.ts';
import { hostPath } from '../../host-path.ts';
import { REFUSAL } from './script-refusal.ts';
import { writeAtOnceScript, writeStreamScript, writeTarget } from './write-script.ts';

const folder = mkdtempSync(join(tmpdir(), 'seedbed-script-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = hostPath(join(folder, 'a file'));
const shells: readonly (readonly [string, readonly string[]])[] = [
  ['/bin/sh', []],
  ['/bin/bash', ['--posix']],
  ['busybox', ['sh']],
];

/** Without a SHLVL bash takes itself for a login over the network when its input is a socket, and reads the user's start files. */
const env = { PATH: process.env['PATH'], SHLVL: '1' };

function runIn(shell: readonly [string, readonly string[]], script: string, input = ''): number | null {
  const { status } = spawnSync(shell[0], [...shell[1], '-c', script], {
    input,
    env,
  });
  return status;
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
  fc
    .constantFrom('-e', '%s%d%%', "'\\''", '\\', '\\n\\c', '\0', '\n\n', '$(x)`x`')
    .map((text) => Buffer.from(text)),
);

describe.each(shells)('in %s %o', (program, args) => {
  const shell = [program, args] as const;
  const isMissing = program === 'busybox' && whyNoBusybox() !== undefined;

  it.skipIf(isMissing)('a script writes the bytes that stand in it, whatever they are', () => {
    fc.assert(
      fc.property(content, fc.constantFrom(0o600, 0o644, 0o400, 0o4755), (bytes, mode) => {
        expect(runIn(shell, writeAtOnceScript(writeTarget(file, { mode }), bytes))).toBe(0);
        expect(readFileSync(file).equals(Buffer.from(bytes))).toBe(true);
        expect(statSync(file).mode & 0o7777).toBe(mode);
        expect(readdirSync(folder)).toEqual(['a file']);
      }),
      { numRuns: 25 },
    );
  });

  it.skipIf(isMissing)('a script that was cut off anywhere does nothing', () => {
    writeFileSync(file, 'old');
    const script = `(\n${writeAtOnceScript(writeTarget(file, {}), Buffer.from('new'))}\n)\n`;
    for (let length = 0; length < script.length - 2; length += 7) {
      spawnSync(program, args, { input: script.slice(0, length), env });
      expect(readFileSync(file, 'utf8')).toBe('old');
    }
    expect(readdirSync(folder)).toEqual(['a file']);
    spawnSync(program, args, { input: script, env });
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it.skipIf(isMissing)(
    'a stream is published with its seal, which is not part of it, and not without',
    () => {
      const seal = '0123456789abcdef0123456789abcdef';
      const streamScript = `say() { echo "$@"; }\n${writeStreamScript(writeTarget(file, { mode: 0o400 }), seal)}`;
      expect(runIn(shell, streamScript, `some\0thing${seal}`)).toBe(0);
      expect(readFileSync(file, 'latin1')).toBe('some\0thing');
      expect(statSync(file).mode & 0o7777).toBe(0o400);
      expect(runIn(shell, streamScript, seal)).toBe(0);
      expect(readFileSync(file, 'latin1')).toBe('');
      for (const cut of ['', 'x', 'some\0thing', `some${seal.slice(0, -1)}`, `${seal}x`]) {
        expect(runIn(shell, streamScript, cut)).not.toBe(0);
      }
      expect(readFileSync(file, 'latin1')).toBe('');
      expect(readdirSync(folder)).toEqual(['a file']);
    },
  );
});

it('content is in no shell given to a program that everybody can see', () => {
  writeFileSync(file, 'old');
  const script = writeAtOnceScript(writeTarget(file, {}), Buffer.from('secret'));
  const { status } = spawnSync('/bin/bash', ['-c', `enable -n printf\n${script}`], { env });
  expect(status).toBe(REFUSAL.noPrintf);
  expect(readFileSync(file, 'utf8')).toBe('old');
});
