import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  judgeHostKey,
  keyFingerprint,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';

function keyOf(type: string, fill: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.alloc(32, fill)]);
}

const own = keyOf('ssh-ed25519', 1);
const other = keyOf('ssh-ed25519', 2);
const line = (hosts: string, key: Buffer, marker = ''): string =>
  `${marker}${hosts} ssh-ed25519 ${key.toString('base64')} a comment`;
const judge = (lines: readonly string[], name = 'build.example', key = own): string =>
  judgeHostKey(parseKnownHosts(lines.join('\n')), name, key).kind;

describe('known_hosts', () => {
  it('trusts the key that stands there for the host, and no other host', () => {
    expect(judge(['# comment', '', line('build.example,10.0.0.7', own)])).toBe('trusted');
    expect(judge([line('build.example', own)], '10.0.0.7')).toBe('unknown');
    expect(judge([line('build.example', own)], 'xbuild.example')).toBe('unknown');
    expect(judge([line('buildxexample', own)])).toBe('unknown');
  });

  it('tells a host that nothing is known of from one whose key has changed', () => {
    expect(judge([])).toBe('unknown');
    expect(judgeHostKey(parseKnownHosts(line('build.example', other)), 'build.example', own)).toEqual({
      kind: 'changed',
      expected: [keyFingerprint(other)],
    });
    expect(judge([line('build.example', other), line('build.example', own)])).toBe('trusted');
  });

  it('files a host under its port, unless that is 22', () => {
    expect(knownHostName('Build.Example', 22)).toBe('build.example');
    expect(judge([line('[build.example]:2222', own)], knownHostName('build.example', 2222))).toBe('trusted');
    expect(judge([line('build.example', own)], knownHostName('build.example', 2222))).toBe('unknown');
  });

  it('understands patterns, and exceptions from them', () => {
    expect(judge([line('*.example,!build.example', own)])).toBe('unknown');
    expect(judge([line('b?ild.*', own)])).toBe('trusted');
    expect(judge([line('!build.example', own)])).toBe('unknown');
  });

  it('finds hashed names', () => {
    const salt = Buffer.alloc(20, 7);
    const hash = createHmac('sha1', salt).update('build.example').digest('base64');
    const hashed = `|1|${salt.toString('base64')}|${hash}`;
    expect(judge([line(hashed, own)])).toBe('trusted');
    expect(judge([line(hashed, own)], 'other.example')).toBe('unknown');
    expect(judge([line(hashed.replace('|1|', '|2|'), own)])).toBe('unknown');
    expect(judge([line('|1|x', own)])).toBe('unknown');
  });

  it('refuses a revoked key, whatever else stands there', () => {
    expect(judge([line('build.example', own), line('*', own, '@revoked ')])).toBe('revoked');
    expect(judge([line('build.example', own), line('*', other, '@revoked ')])).toBe('trusted');
  });

  it('does not take the key of an authority for that of a host', () => {
    expect(judge([line('*', own, '@cert-authority ')])).toBe('authority-only');
    expect(judge([line('*', other, '@cert-authority ')])).toBe('authority-only');
    expect(judge([line('*', own, '@something ')])).toBe('unknown');
  });

  it('leaves damaged lines out', () => {
    expect(parseKnownHosts('build.example\nbuild.example ssh-rsa\nbuild.example ssh-rsa AAAA')).toEqual([]);
    expect(parseKnownHosts(`build.example ssh-rsa ${own.toString('base64')}`)).toEqual([]);
  });

  it('knows which types of key to ask a host for', () => {
    const entries = parseKnownHosts([line('build.example', own), line('*', other, '@revoked ')].join('\n'));
    expect(knownKeyTypes(entries, 'build.example')).toEqual(['ssh-ed25519']);
    expect(knownKeyTypes(entries, 'other.example')).toEqual([]);
  });
});
