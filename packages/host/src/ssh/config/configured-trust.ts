import { join } from 'node:path';
import { HostError } from '../../host-error.ts';
import type { OfferedAlgorithms } from '../connection/offered-algorithms.ts';
import type { AcceptNewHostKey, KnownHostsTrust } from '../trust/host-key.ts';
import { type ConfigLine, malformed } from './config-lines.ts';
import { expandPath, type TokenValues } from './config-tokens.ts';
import type { ConfigValues } from './evaluate-config.ts';

const GLOBAL_FILES = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
const USER_FILES = ['known_hosts', 'known_hosts2'];

/** What the files say of host keys. A new key is added to the first file of the user's. */
export function hostKeyTrustFrom(
  values: ConfigValues,
  tokens: TokenValues,
  acceptNew: AcceptNewHostKey | undefined,
): KnownHostsTrust {
  const own = filesOf(values.first('userknownhostsfile'), tokens);
  const shared = filesOf(values.first('globalknownhostsfile'), tokens);
  const user = own ?? USER_FILES.map((name) => join(tokens.home, '.ssh', name));
  const accepting = newKeysFrom(values, acceptNew);
  const checking = values.first('stricthostkeychecking');
  if (checking !== undefined && accepting === true && user.length === 0) {
    throw new HostError(
      'unsupported',
      `${checking.place}: a new key cannot be added where UserKnownHostsFile is none.`,
    );
  }
  const alias = values.first('hostkeyalias')?.words[0];
  return {
    knownHosts: [...user, ...(shared ?? GLOBAL_FILES)],
    ...(alias !== undefined && { alias }),
    ...(accepting !== undefined && user.length > 0 && { acceptNew: accepting }),
    ...(values.flag('hashknownhosts') === true && { hashNames: true }),
  };
}

function filesOf(line: ConfigLine | undefined, tokens: TokenValues): readonly string[] | undefined {
  if (line === undefined) return undefined;
  const meant = line.words.filter((word) => word.toLowerCase() !== 'none');
  return meant.map((path) => expandPath(path, tokens, line));
}

function newKeysFrom(
  values: ConfigValues,
  ask: AcceptNewHostKey | undefined,
): true | AcceptNewHostKey | undefined {
  const line = values.first('stricthostkeychecking');
  const word = line?.words[0]?.toLowerCase() ?? 'ask';
  if (word === 'accept-new') return true;
  if (word === 'ask') return ask;
  if (word === 'yes' || word === 'true') return undefined;
  if (line === undefined || !['no', 'false', 'off'].includes(word)) {
    throw malformed(line?.place ?? 'StrictHostKeyChecking', `${word} is no way to check`);
  }
  throw new HostError(
    'unsupported',
    `${line.place}: ${line.keyword} ${word} would trust whoever answers, which is not done. accept-new trusts on first use.`,
  );
}

export function algorithmsFrom(values: ConfigValues): OfferedAlgorithms | undefined {
  const listOf = (option: string): string | undefined => values.first(option)?.words[0];
  const [ciphers, macs, kex] = [listOf('ciphers'), listOf('macs'), listOf('kexalgorithms')];
  const [hostKeys, userKeys] = [listOf('hostkeyalgorithms'), listOf('pubkeyacceptedalgorithms')];
  const size = values.first('requiredrsasize');
  const minRsaBits = size === undefined ? undefined : Number(size.words[0]);
  if (size !== undefined && !Number.isSafeInteger(minRsaBits))
    throw malformed(size.place, 'it is no number of bits');
  const algorithms = {
    ...(ciphers !== undefined && { ciphers }),
    ...(macs !== undefined && { macs }),
    ...(kex !== undefined && { kex }),
    ...(hostKeys !== undefined && { hostKeys }),
    ...(userKeys !== undefined && { userKeys }),
    ...(minRsaBits !== undefined && { minRsaBits }),
  };
  return Object.keys(algorithms).length === 0 ? undefined : algorithms;
}
