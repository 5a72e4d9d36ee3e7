import { setTimeout as delay } from 'node:timers/promises';
import type { FileStat, Host, HostFiles } from './host.ts';
import { HostError } from './host-error.ts';
import type { HostPath } from './host-path.ts';
import { checkCount } from './option-values.ts';

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

/** Between tries on a host whose link is broken; they wait for the link themselves, and this is for the case that they don't. */
const RETRY_MS = 250;

/**
 * Follows a file that grows; it need not exist yet. A file that got shorter, or was replaced by another, is read from its beginning.
 * What was written to the old file between the last look and its replacement cannot be reached any more.
 * An unbroken writer's bytes come once, in order, none left out, also when the link to the host breaks and is restored meanwhile: it is waited for, for as
 * long as `Host.signal` says that the host is not gone. A view that has no such signal (`confine`) is taken for gone at once.
 *
 * @throws {HostError} what `Host.readFile` throws except `not-found`; `host-lost` when the host goes: then the end was not seen.
 */
export async function* tail(
  host: HostFiles | Host,
  path: HostPath,
  options: TailOptions,
): AsyncGenerator<TailChunk, void, undefined> {
  const { signal, from = 0 } = options;
  if (from !== 'end') checkCount(from, 'from');
  const position: Position = { identity: undefined, offset: from === 'end' ? 0 : from };
  let isFound = from !== 'end';
  for (;;) {
    try {
      if (!isFound) moveToEnd(position, await host.stat(path, { followLinks: true }));
      isFound = true;
      for await (const _ of host.watch(path, { signal })) yield* readOn(host, path, position);
      yield* readOn(host, path, position);
      return;
    } catch (failure) {
      if (!isPassing(host, failure)) throw failure;
      await delay(RETRY_MS);
    }
  }
}

/** Whether the link is broken, and may come back. */
function isPassing(host: HostFiles | Host, failure: unknown): boolean {
  return (
    'signal' in host && !host.signal.aborted && failure instanceof HostError && failure.code === 'host-lost'
  );
}

/** Behind the last byte that was given. */
interface Position {
  /** Of the file that the offset is in; `undefined` before one was seen. */
  identity: string | undefined;
  offset: number;
}

function moveToEnd(position: Position, found: FileStat | undefined): void {
  position.identity = found?.identity;
  position.offset = found?.size ?? 0;
}

async function* readOn(
  host: HostFiles,
  path: HostPath,
  position: Position,
): AsyncGenerator<TailChunk, void, undefined> {
  const found = await host.stat(path, { followLinks: true });
  if (found === undefined) return;
  if (!isContinued(found, position)) position.offset = 0;
  position.identity = found.identity;
  if (position.offset === found.size) return;
  try {
    const length = found.size - position.offset;
    for await (const bytes of await host.readFile(path, { offset: position.offset, length })) {
      const { offset } = position;
      // Before the caller has it: an interruption meanwhile must not give it twice.
      position.offset += bytes.byteLength;
      yield { offset, bytes };
    }
  } catch (failure) {
    // It went between the look and the reading.
    if (!(failure instanceof HostError && failure.code === 'not-found')) throw failure;
  }
}

function isContinued(found: FileStat, last: Position): boolean {
  return found.size >= last.offset && (last.identity === undefined || last.identity === found.identity);
}
