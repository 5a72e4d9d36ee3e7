import { randomInt } from 'node:crypto';
import type { BlobId } from '@seedbed/blob-store';
import type { ChunkId, ChunkPlace, ChunkPlaces } from '../manifest/manifest.ts';
import { DIGEST_BYTES } from './record.ts';

export interface ChunkTable extends ChunkPlaces {
  /** One that is there already stays as it is. */
  add(id: ChunkId, place: ChunkPlace): void;
}

/** What is known of each chunk, in columns: some 80 bytes, none of them in V8's heap. */
interface Columns {
  readonly ids: Uint32Array<ArrayBuffer>;
  /** The same memory. */
  readonly idBytes: Buffer;
  readonly packs: Uint32Array;
  readonly offsets: Float64Array;
  readonly storedBytes: Float64Array;
  readonly bytes: Float64Array;
  readonly codecs: Uint8Array;
  /** By bytes of an id: the position, and one more; 0 where there is none. Half of them stay free at the least. */
  readonly slots: Uint32Array;
}

const FIRST_ROOM = 16;
const ID_WORDS = DIGEST_BYTES / 4;
/** Of 32 bytes in base64url. */
const ID_CHARACTERS = 43;
const CODECS = ['none', 'zstd'] as const;

export function createChunkTable(): ChunkTable {
  const packs: BlobId[] = [];
  const packNumbers = new Map<BlobId, number>();
  /** The part of an id by which it is found: nobody can make content whose ids crowd there. */
  const hashed = randomInt(ID_WORDS);
  const wanted = new Uint32Array(ID_WORDS);
  const wantedBytes = Buffer.from(wanted.buffer);
  let columns = columnsOf(FIRST_ROOM);
  let size = 0;

  function isAt(position: number): boolean {
    for (let word = 0; word < ID_WORDS; word += 1)
      if (columns.ids[position * ID_WORDS + word] !== wanted[word]) return false;
    return true;
  }

  /** The slot of the wanted id, or the free one in which it would be. */
  function slotOfWanted(): number {
    const { slots } = columns;
    let slot = (wanted[hashed] ?? 0) & (slots.length - 1);
    for (let taken = slots[slot] ?? 0; taken !== 0; taken = slots[slot] ?? 0) {
      if (isAt(taken - 1)) return slot;
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }

  const want = (id: ChunkId): boolean =>
    id.length === ID_CHARACTERS && wantedBytes.write(id, 'base64url') === DIGEST_BYTES;

  function positionOf(id: ChunkId): number | undefined {
    if (size === 0 || !want(id)) return undefined;
    const taken = columns.slots[slotOfWanted()] ?? 0;
    return taken === 0 ? undefined : taken - 1;
  }

  function numberOf(pack: BlobId): number {
    const known = packNumbers.get(pack);
    if (known !== undefined) return known;
    packNumbers.set(pack, packs.length);
    return packs.push(pack) - 1;
  }

  function idAt(position: number): ChunkId | undefined {
    if (position >= size) return undefined;
    return columns.idBytes.toString('base64url', position * DIGEST_BYTES, (position + 1) * DIGEST_BYTES);
  }

  function placeAt(position: number): ChunkPlace | undefined {
    const pack = packs[columns.packs[position] ?? 0];
    if (position >= size || pack === undefined) return undefined;
    return {
      pack,
      offset: columns.offsets[position] ?? 0,
      storedBytes: columns.storedBytes[position] ?? 0,
      bytes: columns.bytes[position] ?? 0,
      codec: CODECS[columns.codecs[position] ?? 0] ?? 'none',
    };
  }

  return {
    get size() {
      return size;
    },
    positionOf,
    idAt,
    has: (id) => positionOf(id) !== undefined,
    get(id) {
      const position = positionOf(id);
      return position === undefined ? undefined : placeAt(position);
    },
    add(id, place) {
      if (!want(id)) throw new Error(`${JSON.stringify(id)} is no chunk's id.`);
      if (columns.slots[slotOfWanted()] !== 0) return;
      if (size === columns.packs.length) columns = enlarged(columns, hashed);
      columns.ids.set(wanted, size * ID_WORDS);
      columns.packs[size] = numberOf(place.pack);
      columns.offsets[size] = place.offset;
      columns.storedBytes[size] = place.storedBytes;
      columns.bytes[size] = place.bytes;
      columns.codecs[size] = CODECS.indexOf(place.codec);
      size += 1;
      columns.slots[slotOfWanted()] = size;
    },
    *places() {
      for (let position = 0; position < size; position += 1) {
        const place = placeAt(position);
        if (place !== undefined) yield place;
      }
    },
    *[Symbol.iterator]() {
      for (let position = 0; position < size; position += 1) {
        const [id, place] = [idAt(position), placeAt(position)];
        if (id !== undefined && place !== undefined) yield [id, place] as const;
      }
    },
  };
}

function columnsOf(room: number): Columns {
  const ids = new Uint32Array(room * ID_WORDS);
  return {
    ids,
    idBytes: Buffer.from(ids.buffer),
    packs: new Uint32Array(room),
    offsets: new Float64Array(room),
    storedBytes: new Float64Array(room),
    bytes: new Float64Array(room),
    codecs: new Uint8Array(room),
    slots: new Uint32Array(2 * room),
  };
}

function enlarged(full: Columns, hashed: number): Columns {
  const room = full.packs.length;
  const more = columnsOf(2 * room);
  more.ids.set(full.ids);
  more.packs.set(full.packs);
  more.offsets.set(full.offsets);
  more.storedBytes.set(full.storedBytes);
  more.bytes.set(full.bytes);
  more.codecs.set(full.codecs);
  for (let position = 0; position < room; position += 1) {
    let slot = (full.ids[position * ID_WORDS + hashed] ?? 0) & (more.slots.length - 1);
    while (more.slots[slot] !== 0) slot = (slot + 1) & (more.slots.length - 1);
    more.slots[slot] = position + 1;
  }
  return more;
}
