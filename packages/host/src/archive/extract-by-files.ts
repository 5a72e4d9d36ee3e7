import type { HostFiles } from '../host.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../host-path.ts';
import type { SafeEntry } from './archive-guard.ts';

/** An entry that was found harmless, with the bytes of a file. */
export interface SafeReading {
  readonly entry: SafeEntry;
  readonly body: AsyncIterable<Uint8Array>;
  /** All of them, where they have come already. */
  readonly content?: Uint8Array;
}

/** Writes entries below a folder through the host's file operations. */
export async function extractByFiles(
  host: HostFiles,
  folder: HostPath,
  readings: AsyncIterable<SafeReading>,
): Promise<void> {
  const folders: SafeEntry[] = [];
  for await (const { entry, body } of readings) {
    if (entry.kind === 'directory') folders.push(entry);
    await place(host, folder, entry, body);
  }
  // Last and the deepest first: what is put into a folder changes its time, and needs its permission.
  for (const { name, mode, modifiedMs } of folders.reverse()) {
    const path = joinHostPath(folder, name);
    await host.setMode(path, mode);
    await host.setModified(path, modifiedMs);
  }
}

async function place(
  host: HostFiles,
  folder: HostPath,
  entry: SafeEntry,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const path = joinHostPath(folder, entry.name);
  if (entry.kind === 'directory') return await host.makeDirectory(path, { mode: 0o700 });
  await host.makeDirectory(parentHostPath(path));
  if (entry.kind === 'hard-link')
    return await host.link(path, joinHostPath(folder, entry.target), { hard: true });
  if (entry.kind === 'symlink') await host.link(path, entry.target);
  else await host.writeFile(path, ReadableStream.from(body), { mode: entry.mode });
  await host.setModified(path, entry.modifiedMs);
}
