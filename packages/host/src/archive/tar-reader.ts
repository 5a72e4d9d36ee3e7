import { HostError } from '../host-error.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import { type ByteReader, createByteReader } from './byte-reader.ts';
import { BLOCK_BYTES, paddingOf, type TarEntry, TYPE_FLAGS } from './tar-entry.ts';

/** No host takes a longer path, and nothing else that is read has to be whole in memory. */
const MAX_RECORD_BYTES = 64 * 1024;
/** The end of time for `Date`. */
const LATEST_MS = 8.64e15;
/** Some writers add the kind of the file above them. */
const MODE_BITS = 0o7777;

export interface TarReading {
  readonly entry: TarEntry;
  /** The bytes of a file. What is not taken before the next entry is asked for is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
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
    for (
      let block = await reader.exactly(BLOCK_BYTES);
      !isEnd(block);
      block = await reader.exactly(BLOCK_BYTES)
    ) {
      const header = parseHeader(block);
      const record = await readRecord(reader, header);
      if (record !== undefined) {
        extras = { ...extras, ...record };
        continue;
      }
      const entry = entryOf(header, extras);
      extras = {};
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
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (numberAt(block, 148, 8) !== sum) throw invalid('the checksum of a header is wrong');
  const magic = Buffer.from(block.subarray(257, 263)).toString('latin1');
  const prefix = magic === 'ustar\0' ? textAt(block, 345, 155) : '';
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

function textAt(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return decodeHostPathBytes(end === -1 ? field : field.subarray(0, end));
}

function numberAt(block: Uint8Array, at: number, length: number): number {
  const field = Buffer.from(block.subarray(at, at + length));
  const first = field[0] ?? 0;
  if (first === 0x80 || first === 0xff) {
    if (length < 12) throw invalid('a number in a header is too large');
    const value = Number(field.readBigInt64BE(length - 8));
    if (!Number.isSafeInteger(value)) throw invalid('a number in a header is too large');
    return value;
  }
  const text = (field.toString('latin1').split('\0')[0] ?? '').trim();
  if (!/^[0-7]*$/.test(text)) throw invalid('a number in a header is none');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

async function readRecord(reader: ByteReader, header: Header): Promise<Extras | undefined> {
  const { type, size } = header;
  const records: readonly string[] = [
    TYPE_FLAGS.longName,
    TYPE_FLAGS.longTarget,
    TYPE_FLAGS.extended,
    TYPE_FLAGS.global,
  ];
  if (!records.includes(type)) return undefined;
  if (size < 0 || size > MAX_RECORD_BYTES) throw invalid(`a record of ${size} bytes precedes an entry`);
  const content = await reader.exactly(size + paddingOf(size));
  if (content.length < size + paddingOf(size)) throw invalid('it ends early');
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
    const space = bytes.indexOf(0x20, at);
    const length =
      space === -1 ? Number.NaN : Number(Buffer.from(bytes.subarray(at, space)).toString('latin1'));
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    if (
      !Number.isInteger(length) ||
      at + length > bytes.length ||
      bytes[at + length - 1] !== 0x0a ||
      equals < 1
    ) {
      throw invalid('a pax record is damaged');
    }
    const key = Buffer.from(record.subarray(0, equals)).toString('latin1');
    extras = { ...extras, ...paxExtra(key, record.subarray(equals + 1)) };
    at += length;
  }
  return extras;
}

function paxExtra(key: string, value: Uint8Array): Extras {
  if (key.startsWith('GNU.sparse.')) throw invalid('it holds a sparse file');
  if (key === 'path') return { name: decodeHostPathBytes(value) };
  if (key === 'linkpath') return { target: decodeHostPathBytes(value) };
  if (key !== 'size' && key !== 'mtime') return {};
  const number = Number(Buffer.from(value).toString('latin1'));
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
