/** Writes the parts of one record behind each other; they are read in the same order. */
export interface RecordWriter {
  /** 0 to 255. */
  byte(value: number): void;
  number(value: number): void;
  /** Any string, half characters included. */
  text(value: string): void;
  /** What another record holds. */
  bytes(value: Uint8Array): void;
  /** A SHA-256, as 32 bytes. */
  digest(value: string, form: DigestForm): void;
  /** Whether it is the one that was written last. */
  isSameDigest(value: string, form: DigestForm): boolean;
}

export interface RecordReader {
  byte(): number;
  number(): number;
  text(): string;
  digest(form: DigestForm): string;
  /** The digest that was read last, in another form. */
  sameDigest(form: DigestForm): string;
  skipNumbers(count: number): void;
  skipText(): void;
  skipDigests(count: number): void;
}

export type DigestForm = 'hex' | 'base64url';

export const DIGEST_BYTES = 32;
const NUMBER_BYTES = 8;
const LENGTH_BYTES = 4;
const LAST_ASCII = 0x7f;
/** More than UTF-8 takes for any unit of a string. */
const MOST_BYTES_A_UNIT = 3;
/** How a text is written. One of ASCII alone, as most are, is read in half of the time. */
const ENCODINGS = ['latin1', 'utf8', 'utf16le'] as const;

/** Bytes that records lie in, and how far what is read or written has come. */
export interface RecordPlace {
  segment: Segment;
  at: number;
}

export interface Segment {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function createSegment(bytes: number): Segment {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, bytes) };
}

/** Where a record is written: `room` gives a segment with so many bytes left, in which what was written of the record stands before `at`. */
export interface RecordSpace extends RecordPlace {
  readonly room: (bytes: number) => void;
}

export function recordWriter(space: RecordSpace): RecordWriter {
  const byte = (value: number): void => {
    space.room(1);
    space.segment.buffer[space.at] = value;
    space.at += 1;
  };
  return {
    byte,
    number(value) {
      space.room(NUMBER_BYTES);
      space.segment.view.setFloat64(space.at, value);
      space.at += NUMBER_BYTES;
    },
    text(value) {
      space.room(1 + LENGTH_BYTES + value.length * MOST_BYTES_A_UNIT);
      const { buffer, view } = space.segment;
      const from = space.at + 1 + LENGTH_BYTES;
      const encoding = writeAscii(value, buffer, from) ? 0 : value.isWellFormed() ? 1 : 2;
      const bytes = encoding === 0 ? value.length : buffer.write(value, from, ENCODINGS[encoding]);
      buffer[space.at] = encoding;
      view.setUint32(space.at + 1, bytes);
      space.at = from + bytes;
    },
    bytes(value) {
      space.room(value.length);
      space.segment.buffer.set(value, space.at);
      space.at += value.length;
    },
    digest(value, form) {
      space.room(DIGEST_BYTES);
      const written = space.segment.buffer.write(value, space.at, DIGEST_BYTES, form);
      if (written !== DIGEST_BYTES) throw new Error(`${JSON.stringify(value)} is no SHA-256.`);
      space.at += DIGEST_BYTES;
    },
    isSameDigest(value, form) {
      space.room(DIGEST_BYTES);
      const { at } = space;
      const { buffer } = space.segment;
      if (buffer.write(value, at, DIGEST_BYTES, form) !== DIGEST_BYTES) return false;
      for (let behind = at + DIGEST_BYTES - 1; behind >= at; behind -= 1)
        if (buffer[behind] !== buffer[behind - DIGEST_BYTES]) return false;
      return true;
    },
  };
}

/** Whether it is ASCII: then it is written. For short strings this takes a fraction of what `Buffer.write` does. */
function writeAscii(value: string, buffer: Buffer, at: number): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code > LAST_ASCII) return false;
    buffer[at + index] = code;
  }
  return true;
}

export function recordReader(place: RecordPlace): RecordReader {
  const byte = (): number => {
    const value = place.segment.buffer[place.at] ?? 0;
    place.at += 1;
    return value;
  };
  return {
    byte,
    number() {
      const value = place.segment.view.getFloat64(place.at);
      place.at += NUMBER_BYTES;
      return value;
    },
    text() {
      const encoding = ENCODINGS[byte()];
      const from = place.at + LENGTH_BYTES;
      place.at = from + place.segment.view.getUint32(place.at);
      return place.segment.buffer.toString(encoding, from, place.at);
    },
    digest(form) {
      const from = place.at;
      place.at += DIGEST_BYTES;
      return place.segment.buffer.toString(form, from, place.at);
    },
    sameDigest: (form) => place.segment.buffer.toString(form, place.at - DIGEST_BYTES, place.at),
    skipNumbers(count) {
      place.at += count * NUMBER_BYTES;
    },
    skipDigests(count) {
      place.at += count * DIGEST_BYTES;
    },
    skipText() {
      place.at += 1;
      place.at += LENGTH_BYTES + place.segment.view.getUint32(place.at);
    },
  };
}
