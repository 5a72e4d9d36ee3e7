import type { BlobId } from '@seedbed/blob-store';
import { z } from 'zod';
import { createChunkTable } from '../compact/chunk-table.ts';
import { createEntryList } from '../compact/entry-list.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { MANIFEST_FORMAT, MANIFEST_VERSION } from './encode-manifest.ts';
import {
  CHUNK_BYTES,
  type ChunkId,
  type Json,
  type LeftOut,
  type Manifest,
  type RecordEntry,
  type SnapshotEntry,
} from './manifest.ts';

const count = z.int().nonnegative();
const time = z.number();
const text = z.string();
const mode = z.int().min(0).max(0o777);
const hex = z.string().regex(/^[0-9a-f]{64}$/);
/** Whoever reads as much as one says has room for it. */
const chunkBytes = z.int().min(0).max(CHUNK_BYTES);
/** 32 bytes, of which the last letter says four bits. */
const chunkId = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
const blobId = z.custom<BlobId>((value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(value));

const reason = z.enum(['excluded', 'regenerable', 'special', 'unreadable', 'gone']);

const headerSchema = z.object({
  format: z.literal(MANIFEST_FORMAT),
  version: z.literal(MANIFEST_VERSION),
  task: text,
  number: z.int().positive(),
  createdMs: time,
  endState: z.enum(['done', 'failed', 'cancelled', 'checkpoint']),
  labels: z.record(text, text),
  host: z.object({ label: text, os: text, arch: text }),
  facts: z.custom<Json>((value) => value !== undefined),
  exclude: z.array(text),
  leftOut: z.array(z.object({ path: text, reason })),
  newestChangeMs: time,
  listedMs: time,
  settledMs: time,
});

const number01 = z.union([z.literal(0), z.literal(1)]);

/** By the word that a line begins with: to try one after the other would take most of the time. */
const lineSchemas = {
  f: z.tuple([
    z.literal('f'),
    text,
    mode,
    time,
    count,
    z.array(count),
    hex,
    text,
    time,
    hex.nullable(),
    number01,
  ]),
  d: z.tuple([z.literal('d'), text, mode, time]),
  c: z.tuple([z.literal('c'), chunkId, count, count, chunkBytes, chunkBytes, number01]),
  l: z.tuple([z.literal('l'), text, time, text]),
  h: z.tuple([z.literal('h'), text, text]),
  o: z.tuple([z.literal('o'), text, reason]),
  p: z.tuple([z.literal('p'), blobId]),
  r: z.tuple([z.literal('r'), text, count, z.array(count)]),
  end: z.tuple([z.literal('end'), count]),
} as const;

type Line = z.infer<(typeof lineSchemas)[keyof typeof lineSchemas]>;

function lineOf(parsed: unknown): Line {
  const word: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  const isKnown = typeof word === 'string' && Object.hasOwn(lineSchemas, word);
  return lineSchemas[isKnown ? (word as keyof typeof lineSchemas) : 'end'].parse(parsed);
}

/** A line can hold the path of a file of many chunks. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

/**
 * Reads what {@link encodeManifest} wrote, and nothing else.
 * @throws {SnapshotError} `damaged` when it is cut short or is no manifest of this version. `what` names it in the message.
 */
export async function decodeManifest(bytes: AsyncIterable<Uint8Array>, what: string): Promise<Manifest> {
  const reading = createReading(what);
  for await (const line of splitLines(bytes, what)) reading.take(line);
  return reading.finish();
}

interface Reading {
  take(line: string): void;
  finish(): Manifest;
}

function createReading(what: string): Reading {
  let header: z.infer<typeof headerSchema> | undefined;
  let lines = 0;
  let ended = false;
  const packs: BlobId[] = [];
  const chunks = createChunkTable();
  const entries = createEntryList();
  const records: RecordEntry[] = [];
  const leftOut: LeftOut[] = [];
  const known = <T>(found: T | undefined): T => {
    if (found === undefined) throw damaged(what, 'a line names something that no line before it does');
    return found;
  };
  const named = (numbers: readonly number[]): readonly ChunkId[] =>
    numbers.map((number) => known(chunks.idAt(number)));

  function add(line: Line): void {
    switch (line[0]) {
      case 'p':
        return void packs.push(line[1]);
      case 'c': {
        const [, id, pack, offset, storedBytes, bytes, codec] = line;
        const place = { pack: known(packs[pack]), offset, storedBytes, bytes };
        if (chunks.has(id)) throw damaged(what, 'it says twice where a chunk lies');
        return void chunks.add(id, { ...place, codec: codec === 1 ? 'zstd' : 'none' });
      }
      case 'o':
        return void leftOut.push({ path: line[1], reason: line[2] });
      case 'r':
        return void records.push({ name: line[1], size: line[2], chunks: named(line[3]) });
      case 'end':
        ended = line[1] === lines;
        if (!ended) throw damaged(what, `it has ${lines} lines instead of ${line[1]}`);
        return;
      default:
        return void entries.add(entryOf(line, named));
    }
  }

  return {
    take(line) {
      if (ended) throw damaged(what, 'it goes on behind its end');
      if (header === undefined) header = parseLine(line, what, (parsed) => headerSchema.parse(parsed));
      else add(parseLine(line, what, lineOf));
      lines += 1;
    },
    finish() {
      if (header === undefined || !ended) throw damaged(what, 'it is cut short');
      const { format, version, ...facts } = header;
      return { ...facts, leftOut: [...facts.leftOut, ...leftOut], entries, records, chunks };
    },
  };
}

function entryOf(
  line: Extract<Line, readonly ['f' | 'd' | 'l' | 'h', ...unknown[]]>,
  named: (numbers: readonly number[]) => readonly ChunkId[],
): SnapshotEntry {
  switch (line[0]) {
    case 'd':
      return { kind: 'directory', path: line[1], mode: line[2], modifiedMs: line[3] };
    case 'l':
      return { kind: 'symlink', path: line[1], modifiedMs: line[2], target: line[3] };
    case 'h':
      return { kind: 'hard-link', path: line[1], target: line[2] };
    case 'f': {
      const [, path, bits, modifiedMs, size, numbers, digest, identity, changedMs, whole, unstable] = line;
      return {
        ...{
          kind: 'file',
          path,
          mode: bits,
          modifiedMs,
          size,
          chunks: named(numbers),
          digest,
          identity,
          changedMs,
        },
        ...(whole === null ? {} : { wholeChunksDigest: whole }),
        ...(unstable === 1 ? { unstable: true } : {}),
      };
    }
  }
}

function parseLine<T>(line: string, what: string, parse: (parsed: unknown) => T): T {
  try {
    return parse(JSON.parse(line));
  } catch (cause) {
    throw damaged(what, 'a line of it is not what this version writes', cause);
  }
}

/** What there is of a line is joined once it has ended: a long one comes in many pieces. */
async function* splitLines(bytes: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let begun: string[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    begun.push(first);
    length += first.length;
    if (length > MAX_LINE_CHARACTERS) throw damaged(what, 'a line of it has no end');
    const last = others.pop();
    if (last === undefined) continue;
    yield begun.join('');
    yield* others;
    begun = [last];
    length = last.length;
  }
  if (length > 0) throw damaged(what, 'it is cut short');
}

function damaged(what: string, why: string, cause?: unknown): SnapshotError {
  return new SnapshotError('damaged', `The manifest of ${what} cannot be used: ${why}.`, { cause });
}
