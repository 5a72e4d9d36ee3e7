import { encodeHostPathBytes } from '../host-path-bytes.ts';
import {
  BLOCK_BYTES,
  CHECKSUM_AT,
  headerChecksum,
  paddingOf,
  type TarEntry,
  TYPE_FLAGS,
} from './tar-entry.ts';

const NAME_BYTES = 100;
const MAX_OCTAL_SIZE = 0o77777777777;
/** What GNU's tar calls a record that says more of the entry behind it. */
const RECORD_NAME = encodeHostPathBytes('././@LongLink');
const NO_TARGET = new Uint8Array();

/**
 * The header of an entry, in GNU's dialect, which carries any bytes as a name and is understood by GNU, BSD and BusyBox tar.
 * The fraction of a second goes into a pax record, which those that don't know it skip.
 */
export function encodeTarHeader(entry: TarEntry): Uint8Array {
  const suffix = entry.kind === 'directory' && !entry.name.endsWith('/') ? '/' : '';
  const name = encodeHostPathBytes(entry.name + suffix);
  const target = entry.target === '' ? NO_TARGET : encodeHostPathBytes(entry.target);
  const blocks: Uint8Array[] = [];
  if (!Number.isInteger(entry.modifiedMs / 1_000)) {
    const record = paxRecord('mtime', (entry.modifiedMs / 1_000).toFixed(6));
    blocks.push(...longRecord(TYPE_FLAGS.extended, record));
  }
  if (name.length > NAME_BYTES) blocks.push(...longRecord(TYPE_FLAGS.longName, withNul(name)));
  if (target.length > NAME_BYTES) blocks.push(...longRecord(TYPE_FLAGS.longTarget, withNul(target)));
  const { mode, size } = entry;
  blocks.push(
    headerBlock({
      name,
      target,
      mode,
      size,
      seconds: entry.modifiedMs / 1_000,
      type: TYPE_FLAGS[entry.kind],
    }),
  );
  return Buffer.concat(blocks);
}

/** What ends an archive. */
export function encodeTarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}

function longRecord(type: string, content: Uint8Array): Uint8Array[] {
  const header = headerBlock({
    name: RECORD_NAME,
    target: NO_TARGET,
    mode: 0o644,
    size: content.length,
    seconds: 0,
    type,
  });
  return [header, content, new Uint8Array(paddingOf(content.length))];
}

interface HeaderFields {
  readonly name: Uint8Array;
  readonly target: Uint8Array;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: string;
}

function headerBlock({ name, target, mode, size, seconds, type }: HeaderFields): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(name.subarray(0, NAME_BYTES), 0);
  writeOctal(block, 100, { value: mode, digits: 7 });
  writeOctal(block, 108, { value: 0, digits: 7 });
  writeOctal(block, 116, { value: 0, digits: 7 });
  writeNumber(block, 124, size);
  writeNumber(block, 136, Math.floor(seconds));
  block.write(type, 156, 'latin1');
  block.set(target.subarray(0, NAME_BYTES), 157);
  block.write('ustar  \0', 257, 'latin1');
  writeOctal(block, CHECKSUM_AT, { value: headerChecksum(block), digits: 6 });
  block[CHECKSUM_AT + 7] = 0x20;
  return block;
}

/** With zeros in front; the NUL behind it is there. */
function writeOctal(
  block: Buffer,
  at: number,
  { value, digits }: { readonly value: number; readonly digits: number },
): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    block[place] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

/** Octal where it fits, else GNU's base 256: a first byte of 0x80, or 0xff for a negative number, then big-endian two's complement. */
function writeNumber(block: Buffer, at: number, value: number): void {
  if (value >= 0 && value <= MAX_OCTAL_SIZE) {
    writeOctal(block, at, { value, digits: 11 });
    return;
  }
  block.fill(value < 0 ? 0xff : 0, at, at + 4);
  block.writeBigInt64BE(BigInt(value), at + 4);
  block[at] = value < 0 ? 0xff : 0x80;
}

function paxRecord(key: string, value: string): Uint8Array {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function withNul(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Uint8Array.of(0)]);
}
