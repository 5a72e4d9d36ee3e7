import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '@seedbed/host';
import { openSshHost } from '@seedbed/host/ssh';

// node over-ssh.ts build-7.example deploy 22
const [address = 'localhost', user = 'me', port = '22'] = process.argv.slice(2);
await using host = await openSshHost({
  host: address,
  user,
  port: Number(port),
  auth: { privateKeyFile: join(homedir(), '.ssh/id_ed25519') },
  hostKey: { knownHosts: join(homedir(), '.ssh/known_hosts') },
});
const { stdout } = await run(host, { argv: ['uname', '-sm'] });
process.stdout.write(`${host.label} is ${stdout}`);
