import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import ssh2, { type Connection as ServerSide, type Session } from 'ssh2';
import type { SshHostOptions } from '../src/ssh/index.ts';
import { createHostKey } from './host-key.ts';

/** What an odd server does; all of it can be changed while it runs. */
export interface Oddities {
  /** Of a session that a client asks for, counted from 1. */
  onSession: 'open' | 'never answer';
  /** Of a command; after `run` it says how that ended. */
  onCommand:
    | 'run'
    | 'never answer'
    | 'accept and say nothing'
    | 'print without end'
    | 'run and never say how it ended';
  /** Of a place that it is to listen at, or connect to. */
  onForward: 'refuse' | 'never answer';
}

/** A server that does what OpenSSH's never does. It lets everybody in, and runs commands on this machine. */
export interface OddServer extends AsyncDisposable {
  readonly options: Pick<SshHostOptions, 'host' | 'port' | 'user' | 'auth' | 'hostKey'>;
  readonly oddities: Oddities;
  /** How many connections are open. */
  readonly connections: number;
}

export async function openOddServer(changes: Partial<Oddities> = {}): Promise<OddServer> {
  const oddities: Oddities = {
    onSession: 'open',
    onCommand: 'run',
    onForward: 'refuse',
    ...changes,
  };
  const key = createHostKey();
  const clients = new Set<ServerSide>();
  const server = new ssh2.Server({ hostKeys: [key.private] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.once('close', () => clients.delete(client));
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      if (oddities.onSession === 'open') serve(accept(), oddities);
    });
    client.on('request', (_accept, reject) => {
      if (oddities.onForward === 'refuse') reject?.();
    });
    client.on('tcpip', (_accept, reject) => {
      if (oddities.onForward === 'refuse') reject();
    });
  });
  const listening = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    listening.resolve(address !== null && typeof address === 'object' ? address.port : 0);
  });
  const port = await listening.promise;
  return {
    options: {
      host: '127.0.0.1',
      port,
      user: 'me',
      auth: { password: 'any' },
      hostKey: { fingerprint: key.fingerprint },
    },
    oddities,
    get connections() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serve(session: Session, oddities: Oddities): void {
  session.on('exec', (accept, _reject, { command }) => {
    const { onCommand } = oddities;
    if (onCommand === 'never answer') return;
    const channel = accept();
    channel.on('error', () => undefined);
    if (onCommand === 'accept and say nothing') return;
    if (onCommand === 'print without end') {
      createReadStream('/dev/zero').pipe(channel);
      return;
    }
    const child = spawn('setsid', ['/bin/sh', '-c', command], { stdio: 'pipe' });
    child.stdin.on('error', () => undefined);
    channel.pipe(child.stdin);
    child.stdout.on('data', (bytes) => channel.writable && channel.write(bytes));
    child.stderr.on('data', (bytes) => channel.writable && channel.stderr.write(bytes));
    session.on('signal', (_accept, _refuse, { name }) => void child.kill(`SIG${name}` as NodeJS.Signals));
    channel.once('close', () => child.stdin.end());
    child.once('close', (code, signal) => {
      if (onCommand === 'run') {
        if (signal === null) channel.exit(code ?? 0);
        else channel.exit(signal.replace('SIG', ''));
      }
      channel.end();
      channel.close();
    });
  });
}
