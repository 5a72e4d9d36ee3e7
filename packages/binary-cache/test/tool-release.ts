import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Integrity } from '../src/integrity.ts';
import type { Artifact, Release } from '../src/release.ts';

export interface TarEntry {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device';
  readonly linkname?: string;
  readonly mode?: number;
  readonly body?: string | Uint8Array;
}

export interface ToolPackage {
  readonly release: Release;
  readonly tarball: Uint8Array;
}

export interface ToolOptions {
  readonly version?: string;
  /** What the program prints, whatever it should. */
  readonly prints?: string;
  /** Bytes of incompressible ballast, so that transfers take a while. */
  readonly ballast?: number;
  readonly entries?: readonly TarEntry[];
}

/** A small program for every platform, packed as npm would: a script that prints its version, and a companion. */
export async function toolPackage(options: ToolOptions = {}): Promise<ToolPackage> {
  const version = options.version ?? '1.0.0';
  const entries = options.entries ?? toolEntries(options.prints ?? `tool ${version}\n`, options.ballast ?? 0);
  const tarball = gzipSync(await tarOf(entries), { level: 1 });
  return { release: toolRelease(version, integrityOfBytes(tarball)), tarball };
}

export function toolEntries(prints: string, ballast = 0): readonly TarEntry[] {
  return [
    { name: 'package/package.json', body: '{"name":"tool"}' },
    { name: 'package/vendor/any/bin/tool', mode: 0o755, body: `#!/bin/sh\nprintf '%s' '${prints}'\n` },
    { name: 'package/vendor/any/lib/companion', mode: 0o755, body: '#!/bin/sh\n' },
    { name: 'package/vendor/any/lib/data', body: noise(ballast) },
  ];
}

export function toolRelease(version: string, integrity: Integrity): Release {
  const artifact: Artifact = {
    npmSpec: `@seedbed-test/tool@${version}`,
    integrity,
    tree: 'package/vendor/any',
    executable: 'package/vendor/any/bin/tool',
    companions: ['package/vendor/any/lib/companion'],
    behindLauncher: ['../node_modules/tool-any/vendor/any'],
  };
  return {
    name: 'tool',
    version,
    artifacts: {
      'linux-x64': artifact,
      'linux-arm64': artifact,
      'darwin-x64': artifact,
      'darwin-arm64': artifact,
    },
    expect: { args: ['--version'], stdout: `tool ${version}\n` },
  };
}

export async function tarOf(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { name, type = 'file', linkname, mode = 0o644, body = '' } of entries) {
    const header = {
      name,
      type,
      mode,
      mtime: new Date(499_162_500_000),
      ...(linkname === undefined ? {} : { linkname }),
    };
    archive.entry(header, type === 'file' ? Buffer.from(body) : Buffer.alloc(0));
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function integrityOfBytes(bytes: Uint8Array): Integrity {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** The same bytes every time, and no compressor makes less of them. */
function noise(length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  let state = 0x2545f491;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}
