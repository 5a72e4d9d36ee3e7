import { hostPath } from '@seedbed/host';
import { describe, expect, test } from 'vitest';
import { judge, type ProbeWords } from './probe-judgement.ts';
import type { PlannedCheck, ProbeKind } from './probe-plan.ts';

const SECRET = 'the secret';

function observed(kind: ProbeKind, words: Partial<ProbeWords>): string {
  const planned: PlannedCheck = {
    kind,
    path: hostPath('/x'),
    subject: 'command',
    expected: kind === 'g' ? 'allowed' : 'denied',
  };
  return judge(planned, { control: [], inside: [], after: [], ...words }, SECRET).observed;
}

describe('a network', () => {
  const outside = ['bash interfaces lo eth0 ; bash: connect: Connection refused'];
  test.each([
    [
      'denied',
      'a socket that is refused',
      outside,
      ['bash interfaces lo ; bash: socket: Operation not permitted'],
    ],
    ['allowed', 'a socket that is answered with a refusal', outside, outside],
    ['allowed', 'a connection', outside, ['bash interfaces lo ;']],
    [
      'allowed',
      'another failure than a denial',
      outside,
      ['bash interfaces lo ; bash: connect: Network is unreachable'],
    ],
    [
      'denied',
      'without any tool, an own network with only a loopback',
      ['none interfaces lo eth0 ;'],
      ['none interfaces lo ;'],
    ],
    [
      'allowed',
      "without any tool, the host's network",
      ['none interfaces lo eth0 ;'],
      ['none interfaces lo eth0 ;'],
    ],
    [
      'not-checkable',
      'without any tool, on a host that has only a loopback',
      ['none interfaces lo ;'],
      ['none interfaces lo ;'],
    ],
    ['not-checkable', 'without any tool and without /proc', ['none interfaces ;'], ['none interfaces ;']],
    ['not-checkable', 'that was not tried', outside, []],
    ['denied', 'a tool that only the host has, and an own network', outside, ['none interfaces lo ;']],
  ])('is %s: %s', (verdict, _, control, inside) => {
    expect(observed('n', { control, inside })).toBe(verdict);
  });
});

describe('a write', () => {
  test.each<[string, string, Partial<ProbeWords>]>([
    [
      'denied',
      'refused inside, though it lands outside',
      { control: ['wrote', 'landed'], inside: ['refused'] },
    ],
    ['not-checkable', 'refused inside and outside', { control: ['refused'], inside: ['refused'] }],
    [
      'allowed',
      'refused, as it says, but on the disk',
      { control: ['landed'], inside: ['refused'], after: ['landed'] },
    ],
    ['denied', 'written into a passing layer', { control: ['landed'], inside: ['wrote'] }],
    [
      'allowed',
      'one of two that lands',
      { control: ['landed'], inside: ['refused', 'wrote'], after: ['landed'] },
    ],
    ['not-checkable', 'that was not tried', { control: ['landed'] }],
  ])('outside is %s: %s', (verdict, _, words) => {
    expect(observed('o', words)).toBe(verdict);
  });

  test('in a granted folder counts only when it is on the disk', () => {
    expect(observed('g', { inside: ['wrote'] })).toBe('denied');
    expect(observed('g', { inside: ['wrote'], after: ['landed'] })).toBe('allowed');
  });

  test('of a protected folder counts as soon as the folder can be made', () => {
    expect(observed('p', { inside: ['wrote'] })).toBe('allowed');
    expect(observed('p', { inside: ['untried'] })).toBe('not-checkable');
    expect(observed('p', { inside: ['refused'] })).toBe('denied');
  });
});

test.each([
  ['denied', 'refused'],
  ['allowed', 'wrote'],
  ['not-checkable', 'untried'],
])('a rename of a folder that is to be held is %s when the sandbox says %s', (verdict, word) => {
  expect(observed('m', { inside: [word] })).toBe(verdict);
});

describe('a read of the secret', () => {
  test.each<[string, string, Partial<ProbeWords>]>([
    [
      'denied',
      'refused inside, though it opens outside',
      { control: [`read ${SECRET}`], inside: ['refused'] },
    ],
    ['allowed', 'anything read at all', { control: [`read ${SECRET}`], inside: ['read '] }],
    ['not-checkable', 'a canary that could not be placed', { inside: ['refused'] }],
    ['not-checkable', 'that was not tried', { control: [`read ${SECRET}`] }],
  ])('is %s: %s', (verdict, _, words) => {
    expect(observed('s', words)).toBe(verdict);
  });
});
