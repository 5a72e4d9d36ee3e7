import { describe, expect, test } from 'vitest';
import { classifyDenial } from './classify-denial.ts';

const failed = (stderr: string, stdout = '') => ({
  exit: { kind: 'exited', code: 1 } as const,
  stderr,
  stdout,
});

describe('a failed command was probably denied', () => {
  test.each([
    ['file-write', '/bin/sh: 1: cannot create lnk/a: Read-only file system'],
    ['file-write', "touch: cannot touch '/etc/x': Permission denied"],
    ['file-write', 'Error: EROFS: read-only file system, open /x'],
    ['file-read', 'cat: home/.codex/auth.json: Permission denied'],
    ['network', 'bash: socket: Operation not permitted'],
    ['network', 'curl: (6) Could not resolve host: example.com'],
    ['network', 'Error: connect EPERM 127.0.0.1:80'],
    ['network', 'npm error getaddrinfo EAI_AGAIN registry'],
    [
      'sandbox-unavailable',
      'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)',
    ],
    ['sandbox-unavailable', 'bubblewrap is unavailable: no system bwrap was found on PATH'],
    [
      'sandbox-unavailable',
      'error building bubblewrap command: app-server socket directory must be a user-owned directory with mode 0700',
    ],
  ])('%s: %s', (likely, line) => {
    expect(classifyDenial(failed(`some noise\n${line}\nmore`))).toEqual({
      denied: true,
      likely,
      evidence: line,
    });
    expect(classifyDenial(failed('', line))).toMatchObject({ likely });
  });

  test('when the kernel ended it for a forbidden system call', () => {
    const outcome = { exit: { kind: 'signaled', name: 'SIGSYS' } as const, stdout: '', stderr: '' };
    expect(classifyDenial(outcome).denied).toBe(true);
  });
});

describe('a command was not denied', () => {
  test.each([
    [
      'when it succeeded, whatever it printed',
      { exit: { kind: 'exited', code: 0 } as const, stdout: '', stderr: 'Permission denied' },
    ],
    ['when it failed for its own reasons', failed('AssertionError: expected 1 to be 2')],
    ['when it was killed', { exit: { kind: 'signaled', name: 'SIGKILL' } as const, stdout: '', stderr: '' }],
    [
      'when nobody knows how it ended',
      { exit: { kind: 'lost', cause: new Error('gone') } as const, stdout: '', stderr: 'EROFS' },
    ],
  ])('%s', (_, outcome) => {
    expect(classifyDenial(outcome)).toEqual({ denied: false, likely: 'none', evidence: '' });
  });
});

test('evidence is one line, and short', () => {
  const { evidence } = classifyDenial(failed(`${'x'.repeat(5000)} Read-only file system\nsecond`));
  expect(evidence.length).toBeLessThanOrEqual(300);
});
