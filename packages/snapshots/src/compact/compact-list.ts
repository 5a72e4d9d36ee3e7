import {
  createSegment,
  type RecordPlace,
  type RecordReader,
  type RecordSpace,
  type RecordWriter,
  recordReader,
  recordWriter,
  type Segment,
} from './record.ts';

/** How a value is written as bytes, and read again. */
export interface Packing<T> {
  readonly write: (value: T, to: RecordWriter) => void;
  readonly read: (from: RecordReader) => T;
}

/** Values in the order in which they were added. Each look at one makes it anew. */
export interface CompactList<T> extends Iterable<T> {
  readonly length: number;
  at(position: number): T | undefined;
  add(value: T): void;
  /** What the packing reads of the value there, or of its beginning. */
  read<R>(position: number, reading: (from: RecordReader) => R): R;
  /** The bytes of the value there, of which `skip` finds the end: good until the next is added. */
  bytesAt(position: number, skip: (from: RecordReader) => void): Uint8Array;
  /** Adds a value of which another list of the same packing gave the bytes. */
  addBytes(bytes: Uint8Array): void;
}

const FIRST_SEGMENT_BYTES = 4 * 1024;
const SEGMENT_BYTES = 512 * 1024;

/**
 * A list that takes little memory, and none of V8's heap: of a large folder, objects would be a dozen for each file, and V8 lets its heap grow to three times
 * of what lives in it before it collects.
 */
export function createCompactList<T>({ write, read }: Packing<T>): CompactList<T> {
  const segments: Segment[] = [];
  const space = createSpace(segments);
  const writer = recordWriter(space);
  let places = new Uint32Array(16);
  let length = 0;

  const place: RecordPlace = { segment: EMPTY, at: 0 };
  const reader = recordReader(place);

  function readAt<R>(position: number, reading: (from: RecordReader) => R): R {
    place.segment = segments[places[2 * position] ?? 0] ?? EMPTY;
    place.at = places[2 * position + 1] ?? 0;
    return reading(reader);
  }

  function note(): void {
    if (2 * length === places.length) places = grown(places);
    places[2 * length] = segments.length - 1;
    places[2 * length + 1] = space.began;
    length += 1;
  }

  return {
    get length() {
      return length;
    },
    at: (position) => (position >= 0 && position < length ? readAt(position, read) : undefined),
    read: readAt,
    bytesAt(position, skip) {
      readAt(position, skip);
      return place.segment.buffer.subarray(places[2 * position + 1] ?? 0, place.at);
    },
    addBytes(bytes) {
      space.begin();
      writer.bytes(bytes);
      note();
    },
    add(value) {
      space.begin();
      write(value, writer);
      note();
    },
    *[Symbol.iterator]() {
      for (let position = 0; position < length; position += 1) yield readAt(position, read);
    },
  };
}

const EMPTY: Segment = createSegment(0);

interface ListSpace extends RecordSpace {
  /** Where the record begins that is being written. */
  began: number;
  readonly begin: () => void;
}

/** A record lies in one segment. One that does not fit into what is left of the last is moved to the next. */
function createSpace(segments: Segment[]): ListSpace {
  const space: ListSpace = {
    ...{ segment: EMPTY, at: 0, began: 0 },
    begin() {
      space.began = space.at;
    },
    room(bytes) {
      const { at, began } = space;
      const { buffer } = space.segment;
      if (at + bytes <= buffer.length) return;
      const wanted = Math.min(SEGMENT_BYTES, Math.max(FIRST_SEGMENT_BYTES, 2 * buffer.length));
      const next = createSegment(Math.max(wanted, 2 * (at - began + bytes)));
      buffer.copy(next.buffer, 0, began, at);
      // Of a record that has outgrown a segment of its own, nothing is left there.
      if (began === 0 && segments.length > 0) segments.pop();
      segments.push(next);
      Object.assign(space, { segment: next, at: at - began, began: 0 });
    },
  };
  return space;
}

function grown(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * numbers.length);
  more.set(numbers);
  return more;
}
