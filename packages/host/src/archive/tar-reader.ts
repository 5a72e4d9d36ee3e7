import { HostError } from '../host-error.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import { type ByteReader, createByteReader } from './byte-reader.ts';
import {
  BLOCK_BYTES,
  CHECKSUM_AT,
  CHECKSUM_BYTES,
  headerChecksum,
  paddingOf,
  type TarEntry,
  TYPE_FLAGS,
} from './tar-entry.ts';

/** No host takes a longer path, and nothing else that is read has to be whole in memory. */
const MAX_RECORD_BYTES = 64 * 1024;
/** The end of time for `Date`. */
const LATEST_MS = 8.64e15;
/** Some writers add the kind of the file above them. */
const MODE_BITS = 0o7777;
const MAGIC = Buffer.from('ustar\0', 'latin1');
const SPACE = 0x20;
const ZERO = 0x30;
const EQUALS = 0x3d;
const LINE_END = 0x0a;
/** Those that precede an entry and say more of it. */
const RECORDS: ReadonlySet<string> = new Set([
  TYPE_FLAGS.longName,
  TYPE_FLAGS.longTarget,
  TYPE_FLAGS.extended,
  TYPE_FLAGS.global,
]);

export interface TarReading {
  readonly entry: TarEntry;
  /** The bytes of a file. What is not taken before the next entry is asked for is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of them, where they have come already: a small file need not be waited for. */
  readonly content?: Uint8Array;
}

/**
 * Reads a tar archive: files, folders and links of the ustar, pax and GNU formats.
 *
 * @throws {HostError} `invalid-archive` for anything else (devices, sparse files, unknown types), a wrong checksum, or an archive that ends early.
 */
export async function* readTar(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<TarReading, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  const reader = createByteReader(chunks);
  try {
    let extras: Extras = {};
    for (;;) {
      const block = reader.atHand(BLOCK_BYTES) ?? (await reader.exactly(BLOCK_BYTES));
      if (isEnd(block)) break;
      const header = parseHeader(block);
      if (RECORDS.has(header.type)) {
        extras = { ...extras, ...(await readRecord(reader, header)) };
        continue;
      }
      const entry = entryOf(header, extras);
      extras = {};
      const content = reader.atHand(entry.size + paddingOf(entry.size))?.subarray(0, entry.size);
      if (content !== undefined) {
        yield { entry, body: once(content), content };
        continue;
      }
      const body = createBody(reader, entry);
      yield { entry, body: body.chunks() };
      await body.skip();
    }
    for (
      let rest = await reader.upTo(BLOCK_BYTES);
      rest !== undefined;
      rest = await reader.upTo(BLOCK_BYTES)
    ) {
      if (rest.some((byte) => byte !== 0)) throw invalid('something follows its end');
    }
  } finally {
    await chunks.return?.();
  }
}

interface Header {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: string;
  readonly target: string;
}

/** What records before an entry's header say of it. */
interface Extras {
  readonly name?: string;
  readonly target?: string;
  readonly size?: number;
  readonly modifiedMs?: number;
}

function isEnd(block: Uint8Array): boolean {
  if (block.length < BLOCK_BYTES) throw invalid('it ends early');
  return block.every((byte) => byte === 0);
}

function parseHeader(block: Uint8Array): Header {
  if (numberAt(block, CHECKSUM_AT, CHECKSUM_BYTES) !== headerChecksum(block))
    throw invalid('the checksum of a header is wrong');
  const prefix = isPosix(block) ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberAt(block, 100, 8),
    size: numberAt(block, 124, 12),
    seconds: numberAt(block, 136, 12),
    type: String.fromCharCode(block[156] || 0x30),
    target: textAt(block, 157, 100),
  };
}

/** GNU's own dialect has two spaces in the place of the NUL and the version, and no prefix. */
function isPosix(block: Uint8Array): boolean {
  for (let at = 0; at < MAGIC.length; at += 1) if (block[257 + at] !== MAGIC[at]) return false;
  return true;
}

function textAt(block: Uint8Array, at: number, length: number): string {
  if (block[at] === 0) return '';
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return decodeHostPathBytes(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits between spaces, up to a NUL; or GNU's base 256. */
function numberAt(block: Uint8Array, at: number, length: number): number {
  const first = block[at] ?? 0;
  if (first === 0x80 || first === 0xff) return binaryNumberAt(block, at, length);
  let end = at;
  while (end < at + length && block[end] !== 0) end += 1;
  let start = at;
  while (start < end && block[start] === SPACE) start += 1;
  while (end > start && block[end - 1] === SPACE) end -= 1;
  let value = 0;
  for (let place = start; place < end; place += 1) {
    const digit = (block[place] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) throw invalid('a number in a header is none');
    value = value * 8 + digit;
  }
  return value;
}

function binaryNumberAt(block: Uint8Array, at: number, length: number): number {
  if (length < 12) throw invalid('a number in a header is too large');
  const value = Number(Buffer.from(block.subarray(at, at + length)).readBigInt64BE(length - 8));
  if (!Number.isSafeInteger(value)) throw invalid('a number in a header is too large');
  return value;
}

async function readRecord(reader: ByteReader, { type, size }: Header): Promise<Extras> {
  if (size < 0 || size > MAX_RECORD_BYTES) throw invalid(`a record of ${size} bytes precedes an entry`);
  const wanted = size + paddingOf(size);
  const content = reader.atHand(wanted) ?? (await reader.exactly(wanted));
  if (content.length < wanted) throw invalid('it ends early');
  const bytes = content.subarray(0, size);
  if (type === TYPE_FLAGS.longName) return { name: textAt(bytes, 0, size) };
  if (type === TYPE_FLAGS.longTarget) return { target: textAt(bytes, 0, size) };
  const extras = parsePaxRecords(bytes);
  // A global record holds for all that follow; what matters here never is in one that an honest tool writes.
  if (type === TYPE_FLAGS.global && Object.keys(extras).length > 0)
    throw invalid('a global record names or sizes entries');
  return extras;
}

/** Records are `<length> <key>=<value>\n`, the length counting all of the record: POSIX.1-2024 pax, "pax Extended Header". */
function parsePaxRecords(bytes: Uint8Array): Extras {
  let extras: Extras = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(SPACE, at);
    const end = at + decimalBetween(bytes, at, space);
    const equals = bytes.indexOf(EQUALS, space);
    const isWhole = end > space && end <= bytes.length && bytes[end - 1] === LINE_END;
    if (!isWhole || equals <= space + 1 || equals >= end) throw invalid('a pax record is damaged');
    extras = {
      ...extras,
      ...paxExtra(latin1(bytes, space + 1, equals), bytes.subarray(equals + 1, end - 1)),
    };
    at = end;
  }
  return extras;
}

/** The number that these digits say; NaN where they are none, or not digits. */
function decimalBetween(bytes: Uint8Array, from: number, to: number): number {
  let value = to > from ? 0 : Number.NaN;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    value = digit < 0 || digit > 9 ? Number.NaN : value * 10 + digit;
  }
  return value;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

function paxExtra(key: string, value: Uint8Array): Extras {
  if (key.startsWith('GNU.sparse.')) throw invalid('it holds a sparse file');
  if (key === 'path') return { name: decodeHostPathBytes(value) };
  if (key === 'linkpath') return { target: decodeHostPathBytes(value) };
  if (key !== 'size' && key !== 'mtime') return {};
  const number = Number(latin1(value, 0, value.length));
  if (!Number.isFinite(number)) throw invalid(`its ${key} is no number`);
  return key === 'size' ? { size: number } : { modifiedMs: Math.round(number * 1e6) / 1_000 };
}

function entryOf(header: Header, extras: Extras): TarEntry {
  const name = extras.name ?? header.name;
  const size = extras.size ?? header.size;
  const kind = kindOf(header.type, name);
  if (!Number.isSafeInteger(size) || size < 0)
    throw invalid(`the size of ${JSON.stringify(name)} is impossible`);
  if (kind !== 'file' && size !== 0) throw invalid(`${JSON.stringify(name)} is no file, and has content`);
  const modifiedMs = extras.modifiedMs ?? header.seconds * 1_000;
  if (Math.abs(modifiedMs) > LATEST_MS) throw invalid(`the time of ${JSON.stringify(name)} is impossible`);
  return {
    kind,
    name,
    size,
    mode: header.mode & MODE_BITS,
    modifiedMs,
    target: extras.target ?? header.target,
  };
}

function kindOf(type: string, name: string): TarEntry['kind'] {
  // Before ustar a folder was a file whose name ends in a slash.
  if (type === TYPE_FLAGS.file || type === '7') return name.endsWith('/') ? 'directory' : 'file';
  if (type === TYPE_FLAGS.directory) return 'directory';
  if (type === TYPE_FLAGS.symlink) return 'symlink';
  if (type === TYPE_FLAGS['hard-link']) return 'hard-link';
  throw invalid(
    `${JSON.stringify(name)} is neither a file nor a folder nor a link (type ${JSON.stringify(type)})`,
  );
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.length > 0) yield content;
}

interface Body {
  readonly chunks: () => AsyncGenerator<Uint8Array, void, undefined>;
  readonly skip: () => Promise<void>;
}

function createBody(reader: ByteReader, entry: TarEntry): Body {
  let missing = entry.size;
  const next = async (): Promise<Uint8Array> => {
    const chunk = await reader.upTo(missing);
    if (chunk === undefined) throw invalid(`it ends early, in ${JSON.stringify(entry.name)}`);
    missing -= chunk.length;
    return chunk;
  };
  return {
    async *chunks() {
      while (missing > 0) yield await next();
    },
    async skip() {
      while (missing > 0) await next();
      const padding = paddingOf(entry.size);
      if ((await reader.exactly(padding)).length < padding) throw invalid('it ends early');
    },
  };
}

function invalid(why: string): HostError {
  return new HostError('invalid-archive', `The archive is not usable: ${why}.`);
}
