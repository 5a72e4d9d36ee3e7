import type { TarEntry } from '../../archive/tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from '../../archive/tar-header.ts';

export interface Packed {
  readonly header: TarEntry;
  readonly content: string;
}

export function entry(kind: TarEntry['kind'], name: string, more: Partial<TarEntry> = {}): Packed {
  const content = more.size === undefined ? '' : 'x'.repeat(more.size);
  return { header: { kind, name, mode: 0o755, modifiedMs: 0, size: 0, target: '', ...more }, content };
}

export function file(name: string, content = ''): Packed {
  return { header: { ...entry('file', name).header, size: content.length }, content };
}

export function link(name: string, target: string): Packed {
  return entry('symlink', name, { target });
}

export function archiveOf(entries: readonly Packed[]): ReadableStream<Uint8Array> {
  const parts = entries.flatMap(({ header, content }) => [
    encodeTarHeader(header),
    Buffer.from(content),
    Buffer.alloc((512 - (content.length % 512)) % 512),
  ]);
  return streamOf(Buffer.concat([...parts, encodeTarEnd()]));
}

export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream();
}
