import { homedir } from 'node:os';
import { openSshHost, readSshConfig } from '@seedbed/host/ssh';

// node from-ssh-config.ts build-7
const [alias = 'build-7'] = process.argv.slice(2);
const destination = await readSshConfig({ alias, home: homedir(), env: process.env });
await using host = await openSshHost(destination);
process.stdout.write(`${host.label}: ${host.home}\n`);
