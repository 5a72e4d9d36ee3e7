#!/usr/bin/env node
// Speaks mongod's command line where there is no mongod: listens on --port and leads each connection to the port that the file `port` beside it names. Where a file `taken` lies beside it,
// it finds its port taken, once.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const args = process.argv.slice(2);
if (args.includes('--version')) {
  process.stdout.write('db version v4.4.99\n');
} else if (existsSync(join(import.meta.dirname, 'taken'))) {
  rmSync(join(import.meta.dirname, 'taken'));
  process.stdout.write('{"msg":"Failed to set up listener","attr":{"error":"Address already in use"}}\n');
  process.exitCode = 48;
} else {
  const port = Number(readFileSync(join(import.meta.dirname, 'port'), 'utf8'));
  const server = createServer((client) => {
    const service = connect(port, '127.0.0.1');
    for (const socket of [client, service]) socket.on('error', () => socket.destroy());
    client.pipe(service).pipe(client);
  });
  server.listen(Number(args[args.indexOf('--port') + 1]), '127.0.0.1', () => {
    process.stdout.write('{"msg":"Waiting for connections"}\n');
  });
  process.once('SIGINT', () => process.exit(0));
  process.once('SIGTERM', () => process.exit(0));
}
