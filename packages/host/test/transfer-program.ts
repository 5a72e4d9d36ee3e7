/** Sends a file to a host, or receives one, and prints what that took of this process, as a {@link TransferUse}. Its argument is a {@link Transfer}. */

import { hostPath } from '../src/host-path.ts';
import { openSshHost } from '../src/ssh/index.ts';
import { LOGIN_MS } from './login-time.ts';

export interface Transfer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly fingerprint: string;
  readonly direction: 'up' | 'down';
  readonly file: string;
  /** How much is sent. */
  readonly bytes: number;
}

export interface TransferUse {
  readonly bytes: number;
  readonly seconds: number;
  /** Resident memory, in bytes, when the host was connected; and the most there ever was. */
  readonly residentBefore: number;
  readonly residentAtMost: number;
}

const CHUNK = new Uint8Array(64 * 1024);

function* chunksOf(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= CHUNK.byteLength) yield CHUNK.subarray(0, left);
}

const {
  host: name,
  port,
  user,
  privateKey,
  fingerprint,
  ...transfer
}: Transfer = JSON.parse(process.argv[2] ?? '');
await using host = await openSshHost({
  host: name,
  port,
  user,
  auth: { privateKey },
  hostKey: { fingerprint },
  connectTimeoutMs: LOGIN_MS,
});
const file = hostPath(transfer.file);
const mostResident = (): number => process.resourceUsage().maxRSS * 1024;
const residentBefore = mostResident();
const began = performance.now();
let bytes = 0;
if (transfer.direction === 'up') {
  await host.writeFile(file, ReadableStream.from(chunksOf(transfer.bytes)));
  bytes = transfer.bytes;
} else {
  for await (const chunk of await host.readFile(file)) bytes += chunk.byteLength;
}
const use: TransferUse = {
  bytes,
  seconds: (performance.now() - began) / 1_000,
  residentBefore,
  residentAtMost: mostResident(),
};
process.stdout.write(JSON.stringify(use));
