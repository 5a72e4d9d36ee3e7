import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnswerQuestions, AskSecret, SshLogin } from '../login/authentication.ts';
import { expandPath, type TokenValues } from './config-tokens.ts';
import type { ConfigValues } from './evaluate-config.ts';

/** Those of OpenSSH's usual files whose keys can be used here. */
const USUAL_FILES = ['id_rsa', 'id_ecdsa', 'id_ed25519'];
const USUAL_ORDER = ['publickey', 'keyboard-interactive', 'password'];

/** Whoever can be asked while logging in. */
export interface Askable {
  readonly passphrase?: AskSecret;
  readonly password?: AskSecret;
  readonly keyboardInteractive?: AnswerQuestions;
}

/** The ways to log in, in OpenSSH's order: keys of the agent that the files name, its other keys, files, questions, password. */
export async function authenticationFrom(
  values: ConfigValues,
  tokens: TokenValues,
  { passphrase, password, keyboardInteractive }: Askable,
): Promise<readonly SshLogin[]> {
  const ways: Readonly<Record<string, readonly SshLogin[]>> = {
    publickey: values.flag('pubkeyauthentication') === false ? [] : await keyWays(values, tokens, passphrase),
    'keyboard-interactive':
      keyboardInteractive === undefined || values.flag('kbdinteractiveauthentication') === false
        ? []
        : [{ keyboardInteractive }],
    password: password === undefined || values.flag('passwordauthentication') === false ? [] : [{ password }],
  };
  const preferred = values.first('preferredauthentications')?.words[0]?.split(',');
  const order = preferred?.map((method) => method.trim()) ?? USUAL_ORDER;
  return [...new Set(order)].flatMap((method) => ways[method] ?? []);
}

async function keyWays(
  values: ConfigValues,
  tokens: TokenValues,
  passphrase: AskSecret | undefined,
): Promise<readonly SshLogin[]> {
  const files = await keyFiles(values, tokens);
  const agent = agentSocket(values, tokens);
  const fromFiles = files.map((privateKeyFile) => ({
    privateKeyFile,
    ...(passphrase !== undefined && { passphrase }),
  }));
  if (agent === undefined) return fromFiles;
  const isOnly = values.flag('identitiesonly') === true;
  return [isOnly ? { agent, onlyKeys: files } : { agent, firstKeys: files }, ...fromFiles];
}

async function keyFiles(values: ConfigValues, tokens: TokenValues): Promise<readonly string[]> {
  const named = values.all('identityfile');
  if (named.length > 0) {
    const paths = named.map((line) => ({ line, path: line.words[0] ?? '' }));
    const meant = paths.filter(({ path }) => path.toLowerCase() !== 'none');
    return [...new Set(meant.map(({ path, line }) => expandPath(path, tokens, line)))];
  }
  const usual = USUAL_FILES.map((name) => join(tokens.home, '.ssh', name));
  const there = await Promise.all(
    usual.map((file) =>
      access(file).then(
        () => [file],
        () => [],
      ),
    ),
  );
  return there.flat();
}

function agentSocket(values: ConfigValues, tokens: TokenValues): string | undefined {
  const line = values.first('identityagent');
  const named = line?.words[0];
  if (line === undefined || named === undefined || named === 'SSH_AUTH_SOCK')
    return tokens.env['SSH_AUTH_SOCK'] || undefined;
  if (named.toLowerCase() === 'none') return undefined;
  const variable = /^\$([A-Za-z_]\w*)$/.exec(named)?.[1];
  return variable === undefined ? expandPath(named, tokens, line) : tokens.env[variable];
}
