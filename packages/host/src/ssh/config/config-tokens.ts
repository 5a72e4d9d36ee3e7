import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { HostError } from '../../host-error.ts';
import { type ConfigLine, malformed } from './config-lines.ts';

/** What tokens stand for; see "TOKENS" of ssh_config(5). */
export interface TokenValues {
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The name under which the host's key is filed. */
  readonly keyName: string;
  /** The value of `ProxyJump`. */
  readonly jump: string;
  readonly home: string;
  readonly localUser: string;
  readonly localHost: string;
  readonly localUid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Replaces the tokens that may stand in this value. */
export function expandTokens(
  text: string,
  tokens: Readonly<Record<string, string>>,
  line: ConfigLine,
): string {
  return text.replace(/%(.?)/gs, (token, letter: string) => {
    const value = letter === '%' ? '%' : tokens[letter];
    if (value === undefined) throw malformed(line.place, `${token} stands for nothing in ${line.keyword}`);
    return value;
  });
}

/** A file's path: `~`, tokens and `${NAME}` replaced. */
export function expandPath(path: string, values: TokenValues, line: ConfigLine): string {
  const { alias, host, port, user, keyName, jump, home, localUser, localHost, localUid, env } = values;
  const identity = `${localHost}${host}${port}${user}${jump}`;
  const tokens = {
    C: createHash('sha1').update(identity).digest('hex'),
    d: home,
    h: host,
    i: String(localUid),
    j: jump,
    k: keyName,
    L: localHost.split('.')[0] ?? localHost,
    l: localHost,
    n: alias,
    p: String(port),
    r: user,
    u: localUser,
  };
  const atHome = path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
  if (atHome.startsWith('~')) {
    throw new HostError(
      'unsupported',
      `${line.place}: ${line.keyword} names the home of another user (${path}), which is not looked up; write the whole path.`,
    );
  }
  return expandVariables(expandTokens(atHome, tokens, line), env, line);
}

function expandVariables(text: string, env: TokenValues['env'], line: ConfigLine): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined) throw malformed(line.place, `there is no variable ${name} in env`);
    return value;
  });
}

/** A duration as OpenSSH writes it, in milliseconds: seconds, or numbers with a unit (`1m30s`). */
export function durationMs(text: string, line: ConfigLine): number {
  const parts = [...text.toLowerCase().matchAll(/(\d+)([smhdw]?)/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.toLowerCase()) {
    throw malformed(line.place, `${JSON.stringify(text)} is no duration`);
  }
  const seconds = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
  return parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * 1_000 * (isUnit(unit) ? seconds[unit] : 1),
    0,
  );
}

function isUnit(unit: string): unit is '' | 's' | 'm' | 'h' | 'd' | 'w' {
  return /^[smhdw]?$/.test(unit);
}
