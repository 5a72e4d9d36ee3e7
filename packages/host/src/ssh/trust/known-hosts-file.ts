import { constants } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '../../host-error.ts';
import { type KnownHostEntry, parseKnownHosts } from './known-hosts.ts';

/**
 * The entries of the files; one that is missing is empty.
 *
 * @throws {HostError} `io` when one cannot be read.
 */
export async function readKnownHosts(files: readonly string[]): Promise<readonly KnownHostEntry[]> {
  return (await Promise.all(files.map(readEntries))).flat();
}

async function readEntries(file: string): Promise<readonly KnownHostEntry[]> {
  try {
    return parseKnownHosts(await readFile(file, 'latin1'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new HostError('io', `Could not read the known hosts in ${file}.`, { cause });
  }
}

const LINE_FEED = 0x0a;

/**
 * Adds a line, with one write at the end of the file: of several programs that do so at once, each adds its own. A file that is not there is made, readable to its owner
 * only, as is its folder.
 *
 * @throws {HostError} `io`.
 */
export async function appendKnownHost(file: string, line: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;
    await using handle = await open(file, flags, 0o600);
    const { size } = await handle.stat();
    const last = Buffer.alloc(1, LINE_FEED);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const bytes = Buffer.from(`${last[0] === LINE_FEED ? '' : '\n'}${line}\n`, 'latin1');
    const { bytesWritten } = await handle.write(bytes);
    if (bytesWritten !== bytes.length) throw new Error('only a part of the line was written');
  } catch (cause) {
    throw new HostError('io', `Could not add the host's key to ${file}.`, { cause });
  }
}
