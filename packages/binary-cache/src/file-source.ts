import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { ArchivePayload, BinarySource } from './binary-source.ts';
import type { Artifact } from './release.ts';

export interface FileSourceOptions {
  /** On this machine: the package's archive (`.tgz` or `.tar`), the unpacked package, or the tree itself. */
  readonly path: string;
  /**
   * `digest` (unless given): an archive that must have the digest that the release pins.
   * `functional`: the operator vouches for what lies there; the program must still prove its product and version.
   */
  readonly trust?: 'digest' | 'functional';
}

/** A package that somebody put on this machine, for where no registry is in reach. Works for every host. */
export function fileSource({ path, trust = 'digest' }: FileSourceOptions): BinarySource {
  const place = resolve(path);
  const tag = `file-${createHash('sha256').update(place).digest('hex').slice(0, 12)}`;
  return {
    name: `file ${place}`,
    origin: 'file',
    evidence: trust === 'digest' ? { kind: 'digest' } : { kind: 'functional', tag },
    obtain: async ({ artifact, report }) => {
      report({ phase: 'resolve', bytes: 0 });
      const found = await stat(place).catch((cause: unknown) => {
        throw refused(`${place} cannot be read`, cause);
      });
      if (found.isFile()) return archiveFile(place, found.size);
      if (!found.isDirectory()) throw refused(`${place} is neither a file nor a folder`);
      if (trust === 'digest') {
        throw refused(
          `${place} is a folder, which has no digest to compare; \`trust: 'functional'\` accepts it for what its program prints`,
        );
      }
      return packedTree(await findTree(place, artifact), artifact);
    },
  };
}

async function archiveFile(path: string, bytes: number): Promise<ArchivePayload> {
  const magic = await firstBytes(path, 2);
  return {
    kind: 'archive',
    compression: magic[0] === 0x1f && magic[1] === 0x8b ? 'gzip' : 'none',
    bytes,
    open: () => Readable.toWeb(createReadStream(path, { highWaterMark: 262_144 })),
  };
}

async function firstBytes(path: string, length: number): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw refused(`${path} cannot be read`, cause);
  }
  await using opened = file;
  const { buffer, bytesRead } = await opened.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

/** The folder may be the tree, or hold it as the package does. */
async function findTree(place: string, artifact: Artifact): Promise<string> {
  const program = artifact.executable.slice(artifact.tree.length + 1);
  const inPackage = artifact.tree.replace(/^[^/]+\//, '');
  for (const tree of [place, join(place, inPackage), join(place, artifact.tree)]) {
    const found = await stat(join(tree, program)).catch(() => undefined);
    if (found?.isFile() === true) return tree;
  }
  throw refused(`${place} holds no ${program}, ${inPackage}/${program} or ${artifact.executable}`);
}

function packedTree(tree: string, artifact: Artifact): ArchivePayload {
  return {
    kind: 'archive',
    compression: 'none',
    open: () => {
      const archive = pack();
      packFolder(archive, tree, artifact.tree).then(
        () => archive.finalize(),
        (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return Readable.toWeb(Readable.from(archive));
    },
  };
}

const packedAt = new Date(0);

async function packFolder(archive: Pack, folder: string, name: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  // Always the same archive for the same files, so that a transfer of it can be continued.
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await packFolder(archive, path, `${name}/${entry.name}`);
      continue;
    }
    if (!entry.isFile()) {
      throw new BinaryCacheError(
        'unsafe-archive',
        `${path} is refused: only plain files and folders are taken.`,
      );
    }
    const { size, mode } = await stat(path);
    const target = archive.entry({
      name: `${name}/${entry.name}`,
      size,
      mode: mode & 0o777,
      mtime: packedAt,
    });
    await pipeline(createReadStream(path), target);
  }
}

function refused(reason: string, cause?: unknown): BinaryCacheError {
  return new BinaryCacheError('source-refused', `No binary from this source: ${reason}.`, { cause });
}
