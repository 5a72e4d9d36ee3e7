import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeHostKey,
  keyTypeOf,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  matchesPattern,
  parseKnownHosts,
} from './known-hosts.ts';

const keyTypes = fc.constantFrom('ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256');
const keys = fc.tuple(keyTypes, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([type, bytes]) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), bytes]);
});
const hostNames = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,20}$/);
const names = fc
  .tuple(hostNames, fc.constantFrom(22, 1, 2222))
  .map(([host, port]) => knownHostName(host, port));
/** Bytes as a file has them, with much of what means something there. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '@revoked',
        '@cert-authority',
        '@',
        '|1|',
        '|',
        '!',
        '*',
        '?',
        ',',
        ' ',
        '\t',
        '\n',
        '\r',
        '#',
        '\0',
        '[',
        ']:',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
      keys.map((key) => key.toString('base64')),
      keyTypes,
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')).toString('latin1'));

describe('known_hosts, whatever stands in it', () => {
  it('is read and judged without an error, and trusts only what it holds', () => {
    fc.assert(
      fc.property(hostileText, names, keys, (text, name, key) => {
        const entries = parseKnownHosts(text);
        const verdict = judgeHostKey(entries, name, key);
        if (verdict.kind === 'trusted') expect(text).toContain(keyTypeOf(key));
        expect(knownKeyTypes(entries, name).every((type) => text.includes(type))).toBe(true);
      }),
    );
  });

  it('trusts a key that was added, in clear or hashed, for its host and for no other', () => {
    fc.assert(
      fc.property(hostileText, names, names, keys, fc.boolean(), (text, name, other, key, hashed) => {
        fc.pre(name !== other);
        // What was there may have revoked the key, or excluded the host by a pattern of its own line only.
        const before = judgeHostKey(parseKnownHosts(text), name, key).kind;
        fc.pre(before !== 'revoked');
        const line = knownHostLine(name, key, { hashed });
        expect(judgeHostKey(parseKnownHosts(`${text}\n${line}\n`), name, key)).toEqual({ kind: 'trusted' });
        expect(judgeHostKey(parseKnownHosts(line), other, key)).toEqual({ kind: 'unknown' });
        expect(line.split(' ')[0] === name).toBe(!hashed);
      }),
    );
  });

  it('never trusts a key that is revoked for every host', () => {
    fc.assert(
      fc.property(hostileText, names, keys, (text, name, key) => {
        const revoked = `@revoked * ${keyTypeOf(key)} ${key.toString('base64')}`;
        const lines = [knownHostLine(name, key, { hashed: false }), text, revoked].join('\n');
        expect(judgeHostKey(parseKnownHosts(lines), name, key)).toEqual({ kind: 'revoked' });
      }),
    );
  });

  it('calls every other key of a known host a changed one', () => {
    fc.assert(
      fc.property(names, keys, keys, (name, known, shown) => {
        fc.pre(!known.equals(shown));
        const entries = parseKnownHosts(knownHostLine(name, known, { hashed: true }));
        expect(judgeHostKey(entries, name, shown).kind).toBe('changed');
      }),
    );
  });
});

describe('a pattern', () => {
  it('matches as the expression does that it stands for', () => {
    const alphabet = fc.constantFrom('a', 'b', '*', '?', '.', '[');
    const patterns = fc.array(alphabet, { maxLength: 8 }).map((parts) => parts.join(''));
    const texts = fc
      .array(fc.constantFrom('a', 'b', '.', '['), { maxLength: 8 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const source = pattern.replace(/[.[]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesPattern(pattern, text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of many stars is matched all the same', () => {
    expect(matchesPattern(`${'*a'.repeat(5_000)}b`, 'a'.repeat(5_000))).toBe(false);
  });
});
