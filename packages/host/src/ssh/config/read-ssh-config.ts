import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { HostError } from '../../host-error.ts';
import { checkFilePath, checkPort } from '../../option-values.ts';
import type { SshDestination } from '../connection/ssh-destination.ts';
import type { AnswerQuestions, AskSecret } from '../login/authentication.ts';
import type { AcceptNewHostKey } from '../trust/host-key.ts';
import { type ConfigFile, type ConfigFiles, createConfigFiles } from './config-files.ts';
import { durationMs, expandTokens, type TokenValues } from './config-tokens.ts';
import { authenticationFrom } from './configured-authentication.ts';
import { algorithmsFrom, hostKeyTrustFrom } from './configured-trust.ts';
import { type ConfigValues, evaluateConfig } from './evaluate-config.ts';
import { parseJumpSpecs, parsePort } from './jump-spec.ts';
import { REFUSED_OPTIONS } from './known-options.ts';

export interface ReadSshConfigOptions {
  /** The host, as it would be typed after `ssh`. */
  readonly alias: string;
  /** They win over the files, as `ssh -l` and `ssh -p` do. */
  readonly user?: string;
  readonly port?: number;
  /** Read instead of `~/.ssh/config` and `/etc/ssh/ssh_config`. One that is not there is empty. */
  readonly files?: readonly string[];
  /** What `~` is, and where keys and known hosts are looked for. The home of the user that the program runs as by default. */
  readonly home?: string;
  /** Whose name the user has on hosts that name no other. The user that the program runs as by default. */
  readonly localUser?: string;
  /**
   * Where `SSH_AUTH_SOCK` and variables that the files name (`${NAME}`) are looked up: `process.env`, or what may be known of it.
   * Nothing is looked up where it is left out: no agent is used then, unless a file names its socket.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Asked for the passphrase of an encrypted key, of the host or of a jump host. */
  readonly passphrase?: AskSecret;
  /** Asked for a password where no key is let in, unless a file forbids it. */
  readonly password?: AskSecret;
  /** Asked for what the host asks where no key is let in, unless a file forbids it. */
  readonly keyboardInteractive?: AnswerQuestions;
  /** Asked about a host key of which nothing is known, where `StrictHostKeyChecking` is `ask` (the default). Without it that is an error. */
  readonly acceptNew?: AcceptNewHostKey;
}

/**
 * What `~/.ssh/config` says of a host, its jump hosts included, as OpenSSH would read it: Host, Match (without `exec`), Include, tokens and `${NAME}`, the first value of an option.
 *
 * Used are HostName, User, Port, IdentityFile (without one the usual files that are there), IdentityAgent, IdentitiesOnly, ProxyJump, UserKnownHostsFile, GlobalKnownHostsFile,
 * StrictHostKeyChecking (`no` is refused), HostKeyAlias, HashKnownHosts, ConnectTimeout, ServerAliveInterval, PubkeyAuthentication, PubkeyAcceptedAlgorithms, RequiredRSASize, PasswordAuthentication,
 * KbdInteractiveAuthentication, PreferredAuthentications, Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms. What else would make it another connection (ProxyCommand, CertificateFile …) is an error by
 * name; forwards and comforts of a terminal are left out. Nothing is run, and the files are read once.
 * ConnectTimeout is here the time for the whole way, as `connectTimeoutMs` is.
 *
 * @throws {HostError} `unsupported` for an option that cannot be kept, `invalid-config` for one that cannot be understood, `permission-denied` for a ~/.ssh/config that others may change,
 * `io` and `limit-exceeded` for files that cannot be read.
 */
export async function readSshConfig(options: ReadSshConfigOptions): Promise<SshDestination> {
  checkPort(options.port, 'port');
  for (const file of options.files ?? []) checkFilePath(file, 'files', 'a list of ssh_config files');
  if (options.home !== undefined) checkFilePath(options.home, 'home', 'the path of a folder');
  const machine = userInfo();
  const home = options.home ?? machine.homedir;
  const reading: Reading = {
    options,
    home,
    localUser: options.localUser ?? machine.username,
    localUid: machine.uid,
    files: createConfigFiles(home),
    roots: options.files?.map((path) => ({ path, isGuarded: false })) ?? [
      { path: join(home, '.ssh', 'config'), isGuarded: true },
      { path: '/etc/ssh/ssh_config', isGuarded: false },
    ],
  };
  const { alias, user, port } = options;
  return await destinationFor(reading, { alias, user, port, before: [], jumps: true });
}

interface Reading {
  readonly options: ReadSshConfigOptions;
  readonly home: string;
  readonly localUser: string;
  readonly localUid: number;
  readonly files: ConfigFiles;
  readonly roots: readonly ConfigFile[];
}

interface Wanted {
  readonly alias: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** The hosts that are reached through this one. */
  readonly before: readonly string[];
  /** Whether its own jump hosts count: of several in a row those of the first do, as for OpenSSH. */
  readonly jumps: boolean;
}

/** What each of these options may say all the same. */
const HARMLESS = ['none', 'no', 'any'];
async function destinationFor(reading: Reading, wanted: Wanted): Promise<SshDestination> {
  const { alias, before } = wanted;
  const values = await evaluateConfig(reading.files, reading.roots, {
    ...wanted,
    localUser: reading.localUser,
  });
  refuseUnsupported(values);
  const tokens = tokensFor(reading, values, wanted);
  const { host, port, user } = tokens;
  const self = `${user}@${host}:${port}`;
  if (before.includes(self)) {
    throw new HostError(
      'invalid-config',
      `The way to ${alias} leads through itself (${[...before, self].join(' through ')}): its own section needs ProxyJump none.`,
    );
  }
  const jump = wanted.jumps ? await jumpHostsFor(reading, values, [...before, self]) : [];
  const timeout = values.first('connecttimeout');
  const alive = values.first('serveraliveinterval');
  const timeoutMs =
    timeout === undefined || timeout.words[0] === 'none' ? 0 : durationMs(timeout.words[0] ?? '', timeout);
  const aliveMs = alive === undefined ? 0 : durationMs(alive.words[0] ?? '', alive);
  const algorithms = algorithmsFrom(values);
  return {
    host,
    port,
    user,
    auth: await authenticationFrom(values, tokens, reading.options),
    hostKey: hostKeyTrustFrom(values, tokens, reading.options.acceptNew),
    ...(jump.length > 0 && { jump }),
    ...(timeoutMs > 0 && { connectTimeoutMs: timeoutMs }),
    ...(aliveMs > 0 && { keepaliveMs: aliveMs }),
    ...(algorithms !== undefined && { algorithms }),
  };
}

function refuseUnsupported(values: ConfigValues): void {
  for (const option of REFUSED_OPTIONS) {
    const line = values.all(option).find(({ words }) => !HARMLESS.includes(words[0]?.toLowerCase() ?? ''));
    if (line === undefined) continue;
    const reason =
      option === 'proxycommand'
        ? 'it would run a command on this machine; ProxyJump is supported'
        : 'it is not supported, and without it this would be another connection';
    throw new HostError('unsupported', `${line.place}: ${line.keyword} cannot be kept: ${reason}.`);
  }
}

function tokensFor(reading: Reading, values: ConfigValues, wanted: Wanted): TokenValues {
  const { alias } = wanted;
  const name = values.first('hostname');
  const portLine = values.first('port');
  const aliasLine = values.first('hostkeyalias');
  const host = name === undefined ? alias : expandTokens(name.words[0] ?? '', { h: alias }, name);
  return {
    alias,
    host,
    port: wanted.port ?? (portLine === undefined ? 22 : parsePort(portLine.words[0] ?? '', portLine)),
    user: wanted.user ?? values.first('user')?.words[0] ?? reading.localUser,
    keyName: aliasLine?.words[0] ?? alias,
    jump: wanted.jumps ? (values.first('proxyjump')?.words[0] ?? '') : '',
    home: reading.home,
    localUser: reading.localUser,
    localHost: hostname(),
    localUid: reading.localUid,
    env: reading.options.env ?? {},
  };
}

async function jumpHostsFor(
  reading: Reading,
  values: ConfigValues,
  before: readonly string[],
): Promise<readonly SshDestination[]> {
  const line = values.first('proxyjump');
  if (line === undefined) return [];
  const hops: SshDestination[] = [];
  for (const [at, spec] of parseJumpSpecs(line.words[0] ?? '', line).entries()) {
    hops.push(await destinationFor(reading, { ...spec, before, jumps: at === 0 }));
  }
  return hops;
}
