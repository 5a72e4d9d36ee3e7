import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { HostError } from '../../host-error.ts';
import { readSshConfig, type SshDestination } from '../index.ts';

const run = promisify(execFile);
let hasOpenSsh = true;
beforeAll(async () => {
  hasOpenSsh = await run('ssh', ['-V']).then(
    () => true,
    () => false,
  );
});

/** What OpenSSH's own client makes of a file. */
async function askOpenSsh(file: string, alias: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { stdout } = await run('ssh', ['-G', '-F', file, alias]);
  const values = new Map<string, string[]>();
  for (const line of stdout.trimEnd().split('\n')) {
    const at = line.indexOf(' ');
    const keyword = line.slice(0, at);
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(at + 1)]);
  }
  return values;
}

const aliases = ['build', 'Build', 'web.example', 'gate'];
const names = fc.constantFrom(
  'build',
  'Build',
  'web.example',
  'gate',
  'b*',
  '*.example',
  '?ate',
  '*',
  '!build',
  '!g*',
  'none',
);
const keywordsFor = fc.constantFrom<readonly [string, readonly string[]]>(
  ['HostName', ['web.example', '%h.example', '10.0.0.7', '"gate"', '%%x']],
  ['User', ['deploy', '"me too"', 'root', '"a#b"']],
  ['Port', ['22', '2222', '"7"']],
  [
    'IdentityFile',
    ['/k/one', '/k/two', '"/k/with a space"', '/k/three#four', '/k/"five"', '/k/six\\ seven', "'/k/eight'"],
  ],
  ['HostKeyAlias', ['farm', 'yard']],
  ['UserKnownHostsFile', ['/h/one', '/h/one /h/two', '"/h/with a space" /h/two', '/h/a=b']],
  ['ConnectTimeout', ['5', '1m', '1m5s']],
  ['ServerAliveInterval', ['7', '2m']],
  ['StrictHostKeyChecking', ['yes', 'accept-new', 'ask']],
  ['ForwardAgent', ['yes', 'no']],
);
const criteria = fc.constantFrom(
  'all',
  'host build',
  'host *.example',
  'host web.example,!gate',
  'originalhost build,gate',
  '!originalhost build',
  'user deploy',
  '!user deploy',
  'user root host *',
  'final',
  'final host *.example',
  'canonical all',
  '!final originalhost gate',
);
const spacing = fc.constantFrom(' ', '  ', '\t', '=', ' = ', ' =');
const casing = fc.constantFrom<(word: string) => string>(
  (word) => word,
  (word) => word.toLowerCase(),
  (word) => word.toUpperCase(),
);
const ending = fc.constantFrom('', ' ', ' # a comment', '\t# "odd');
const option = fc
  .tuple(keywordsFor, fc.nat(10), spacing, casing, ending)
  .map(
    ([[keyword, values], at, space, cased, end]) =>
      `${cased(keyword)}${space}${values[at % values.length]}${end}`,
  );
const section = fc.oneof(
  { weight: 4, arbitrary: option },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(names, { minLength: 1, maxLength: 3 }), casing, ending)
      .map(([patterns, cased, end]) => `${cased('Host')} ${patterns.join(' ')}${end}`),
  },
  { weight: 1, arbitrary: criteria.map((text) => `Match ${text}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '# a comment', '   ', 'Include INCLUDED', 'Include "INCLUDED"'),
  },
);
const lines = fc.array(section, { maxLength: 10 });

describe('ssh_config', () => {
  it('is understood as OpenSSH understands it, or refused', async (context) => {
    context.skip(!hasOpenSsh && process.env['CI'] === undefined, 'there is no ssh');
    await using folder = await testFolder();
    const file = join(folder.path, 'config');
    const included = join(folder.path, 'included');
    let understood = 0;
    await fc.assert(
      fc.asyncProperty(lines, lines, fc.constantFrom(...aliases), async (main, more, alias) => {
        const withFile = (text: string): string => text.replace('INCLUDED', included);
        await writeFile(file, main.map(withFile).join('\n'), { mode: 0o600 });
        const inner = more.filter((line) => !line.startsWith('Include'));
        await writeFile(included, inner.join('\n'), { mode: 0o600 });
        const found = await readSshConfig({ alias, files: [file], env: {} }).catch((failure) => failure);
        if (found instanceof HostError) {
          // Only what is written in a way that the library reads otherwise is left to a person.
          expect(found.message).toContain('OpenSSH may understand');
          return;
        }
        understood += 1;
        expectSame(found, await askOpenSsh(file, alias));
      }),
      { numRuns: 100 },
    );
    expect(understood).toBeGreaterThan(10);
  }, 120_000);
});

const hostileLine = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'Host',
        'Match',
        'final',
        'exec',
        'Include',
        'User',
        'ProxyJump',
        'IdentityFile',
        ' ',
        '=',
        '"',
        "'",
        '#',
        '\\',
        '%',
        '$',
        '{',
        '}',
        '~',
        '*',
        '!',
        ',',
        '\t',
        '\r',
        '\0',
        '@',
        ':',
        '[',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('a hostile ssh_config', () => {
  it('gives a destination or a HostError, and nothing else', async () => {
    await using folder = await testFolder();
    const file = join(folder.path, 'config');
    await fc.assert(
      fc.asyncProperty(fc.array(hostileLine, { maxLength: 8 }), async (hostile) => {
        await writeFile(file, hostile.join('\n'));
        const found = await readSshConfig({ alias: 'build', files: [file], home: folder.path }).catch(
          (failure) => failure,
        );
        if (found instanceof HostError) expect(found.code).not.toBe('host-lost');
        else expect(found).toMatchObject({ host: expect.any(String), user: expect.any(String) });
      }),
      { numRuns: 500 },
    );
  });
});

function expectSame(found: SshDestination, openSsh: ReadonlyMap<string, readonly string[]>): void {
  const { host, port, user, auth, hostKey, connectTimeoutMs, keepaliveMs } = found;
  const one = (keyword: string): string | undefined => openSsh.get(keyword)?.[0];
  const files = [auth].flat().flatMap((way) => ('privateKeyFile' in way ? [way.privateKeyFile] : []));
  const isNamed = openSsh.get('identityfile')?.some((path) => path.startsWith('/k/')) === true;
  const trust = 'knownHosts' in hostKey ? hostKey : undefined;
  // It prints host names in lower case, as it would look them up.
  expect({ host: host.toLowerCase(), port: String(port), user }).toEqual({
    host: one('hostname'),
    port: one('port'),
    user: one('user'),
  });
  if (isNamed) expect(files).toEqual(openSsh.get('identityfile'));
  expect(trust?.alias).toBe(one('hostkeyalias'));
  expect(trust?.acceptNew === true).toBe(one('stricthostkeychecking') === 'accept-new');
  const known = [trust?.knownHosts ?? []].flat();
  const own = one('userknownhostsfile') ?? '';
  if (own.startsWith('/h/')) expect(own).toBe(known.filter((path) => path.startsWith('/h/')).join(' '));
  expect(connectTimeoutMs ?? 0).toBe(Number(one('connecttimeout')?.replace('none', '0')) * 1_000);
  expect(keepaliveMs ?? 0).toBe(Number(one('serveraliveinterval')) * 1_000);
}
