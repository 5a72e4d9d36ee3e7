import type { FileStat, HostFiles } from './host.ts';
import { HostError } from './host-error.ts';
import type { HostPath } from './host-path.ts';

export interface TailOptions {
  /** When it fires, what the file holds at that moment is still given; then the iteration ends. */
  readonly signal: AbortSignal;
  /** The offset of the first byte to give, or `end` for what comes from now on. 0 by default. */
  readonly from?: number | 'end';
}

export interface TailChunk {
  /** Where the bytes begin in the file. 0 after the file was cut or replaced. The offset to go on from later is `offset + bytes.length`. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Follows a file that grows; it need not exist yet. A file that got shorter, or was replaced by another, is read from its beginning.
 * What was written to the old file between the last look and its replacement cannot be reached any more.
 * An unbroken writer's bytes come once, in order, none left out.
 *
 * @throws {HostError} what `Host.readFile` throws except `not-found`; `host-lost` when the host goes: then the end was not seen.
 */
export async function* tail(
  host: HostFiles,
  path: HostPath,
  options: TailOptions,
): AsyncGenerator<TailChunk, void, undefined> {
  let position: Position | undefined;
  const first = options.from ?? 0;
  if (first === 'end') {
    const found = await host.stat(path, { followLinks: true });
    position = { identity: found?.identity, offset: found?.size ?? 0 };
  } else {
    position = { identity: undefined, offset: first };
  }
  for await (const _ of host.watch(path, { signal: options.signal })) {
    position = yield* readOn(host, path, position);
  }
  yield* readOn(host, path, position);
}

interface Position {
  /** Of the file that the offset is in; `undefined` before one was seen. */
  readonly identity: string | undefined;
  readonly offset: number;
}

async function* readOn(
  host: HostFiles,
  path: HostPath,
  last: Position,
): AsyncGenerator<TailChunk, Position, undefined> {
  const found = await host.stat(path, { followLinks: true });
  if (found === undefined) return last;
  let offset = isContinued(found, last) ? last.offset : 0;
  if (offset === found.size) return { identity: found.identity, offset };
  try {
    for await (const bytes of await host.readFile(path, { offset, length: found.size - offset })) {
      yield { offset, bytes };
      offset += bytes.byteLength;
    }
  } catch (failure) {
    // It went between the look and the reading.
    if (!(failure instanceof HostError && failure.code === 'not-found')) throw failure;
  }
  return { identity: found.identity, offset };
}

function isContinued(found: FileStat, last: Position): boolean {
  return found.size >= last.offset && (last.identity === undefined || last.identity === found.identity);
}
