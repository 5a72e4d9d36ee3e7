import { describe, expect, it } from 'vitest';
import { checkBoundAddress, isBound, localAddresses } from './bound-addresses.ts';

/** As Linux prints them, with the columns behind the state cut off. */
const line = (address: string): string =>
  `   0: ${address}:80B1 00000000:0000 0A 00000000:00000000 00:00000000\n`;
const LOOPBACK_4 = line('0100007F');
const LOOPBACK_6 = line('00000000000000000000000001000000');
const ANY_4 = line('00000000');
const ANY_6 = line('00000000000000000000000000000000');
const SPECIFIC_6 = line('B80D0120000000000000000001000000');

describe('the addresses at which sshd listens', () => {
  it('are read as people write them', () => {
    expect([...localAddresses(LOOPBACK_4 + ANY_4 + line('4D0200C0'))]).toEqual([
      '127.0.0.1',
      '0.0.0.0',
      '192.0.2.77',
    ]);
    expect([...localAddresses(LOOPBACK_6 + ANY_6 + SPECIFIC_6)]).toEqual(['[::1]', '[::]', '[2001:db8::1]']);
    expect(localAddresses('').size).toBe(0);
  });

  it.each([
    ['127.0.0.1', LOOPBACK_4],
    ['::1', LOOPBACK_6],
    ['0:0:0:0:0:0:0:1', LOOPBACK_4 + LOOPBACK_6],
    ['2001:0DB8::1', SPECIFIC_6],
    ['0.0.0.0', ANY_4 + ANY_6],
    ['::', ANY_6],
    ['127.0.0.1', LOOPBACK_4 + line('4D0200C0')],
  ])('are right for %s', (address, lines) => {
    expect(() => checkBoundAddress(address, localAddresses(lines), 'listen')).not.toThrow();
  });

  it.each([
    ['127.0.0.1', ANY_4 + ANY_6, 'unsupported'],
    ['127.0.0.1', LOOPBACK_4 + ANY_6, 'unsupported'],
    ['192.0.2.77', ANY_4, 'unsupported'],
    ['192.0.2.77', LOOPBACK_4, 'permission-denied'],
    ['0.0.0.0', LOOPBACK_4 + LOOPBACK_6, 'permission-denied'],
    ['::', ANY_4, 'permission-denied'],
    ['127.0.0.1', '', 'permission-denied'],
  ])('are wrong for %s', (address, lines, code) => {
    const check = (): void => checkBoundAddress(address, localAddresses(lines), 'listen');
    expect(check).toThrow(expect.objectContaining({ code }));
  });

  it('say whether a place is taken', () => {
    const taken = (address: string, lines: string): boolean => isBound(address, localAddresses(lines));
    expect([taken('127.0.0.1', LOOPBACK_4), taken('127.0.0.1', ANY_6), taken('0.0.0.0', LOOPBACK_4)]).toEqual(
      [true, true, true],
    );
    expect([taken('127.0.0.1', ''), taken('127.0.0.1', SPECIFIC_6)]).toEqual([false, false]);
  });
});
