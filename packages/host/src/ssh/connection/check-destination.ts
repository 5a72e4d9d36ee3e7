import { checkFilePath, checkPort, checkText, checkTime, invalid } from '../../option-values.ts';

const AUTH =
  '{ agent }, { privateKey }, { privateKeyFile }, { password } or { keyboardInteractive }, or a list of these';
const HOST_KEY =
  "{ fingerprint: 'SHA256:…' } or { knownHosts: '/home/me/.ssh/known_hosts' }: how the host proves to be itself";
const SECRET = 'a text, or a function that asks for it';

/**
 * A program may be without types, or read a destination from a file.
 *
 * @throws {HostError} `invalid-config`, naming the option, of the destination or of one of its jump hosts.
 */
export function checkDestination(destination: unknown): void {
  checkOne(destination, (option) => option);
}

/** How messages call an option. */
type Named = (option: string) => string;

function checkOne(destination: unknown, named: Named): void {
  if (!isRecord(destination))
    throw invalid(named('destination'), '{ host, user, auth, hostKey }', destination);
  const { host, port, user, auth, hostKey, keepaliveMs, connectTimeoutMs, jump = [] } = destination;
  checkText(host, named('host'), 'a name or an address');
  checkPort(port, named('port'));
  checkText(user, named('user'), 'the name of the user that logs in');
  checkTime(keepaliveMs, named('keepaliveMs'), 1);
  checkTime(connectTimeoutMs, named('connectTimeoutMs'), 1);
  for (const login of listed(auth)) checkLogin(login, named);
  checkHostKey(hostKey, named);
  for (const hop of listed(jump)) {
    const name = isRecord(hop) && typeof hop['host'] === 'string' ? ` ${hop['host']}` : '';
    checkOne(hop, (option) => `${option} of the jump host${name}`);
  }
}

function checkLogin(login: unknown, named: Named): void {
  if (!isRecord(login)) throw invalid(named('auth'), AUTH, login);
  const option = (name: string): string => named(`auth.${name}`);
  if ('agent' in login) {
    checkFilePath(login['agent'], option('agent'), "the path of the agent's socket, as SSH_AUTH_SOCK has it");
    for (const list of ['onlyKeys', 'firstKeys']) {
      const files = login[list] ?? [];
      if (!Array.isArray(files)) throw invalid(option(list), 'a list of files', files);
      for (const file of files) checkFilePath(file, option(list), 'a list of files');
    }
  } else if ('password' in login) checkSecret(login['password'], option('password'));
  else if ('keyboardInteractive' in login) {
    const ask = login['keyboardInteractive'];
    if (typeof ask !== 'function')
      throw invalid(option('keyboardInteractive'), 'a function that answers', ask);
  } else {
    if ('privateKey' in login)
      checkText(login['privateKey'], option('privateKey'), 'the text of a private key');
    else if ('privateKeyFile' in login)
      checkFilePath(login['privateKeyFile'], option('privateKeyFile'), 'the path of a private key');
    else throw invalid(named('auth'), AUTH, login);
    if (login['passphrase'] !== undefined) checkSecret(login['passphrase'], option('passphrase'));
  }
}

function checkSecret(secret: unknown, option: string): void {
  if (typeof secret !== 'string' && typeof secret !== 'function') throw invalid(option, SECRET, secret);
}

function checkHostKey(hostKey: unknown, named: Named): void {
  if (!isRecord(hostKey)) throw invalid(named('hostKey'), HOST_KEY, hostKey);
  if ('fingerprint' in hostKey) {
    checkText(hostKey['fingerprint'], named('hostKey.fingerprint'), 'SHA256: and 43 characters');
    return;
  }
  if (!('knownHosts' in hostKey)) throw invalid(named('hostKey'), HOST_KEY, hostKey);
  const { knownHosts } = hostKey;
  for (const file of listed(knownHosts))
    checkFilePath(file, named('hostKey.knownHosts'), 'the path of a known_hosts file, or a list of such');
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
