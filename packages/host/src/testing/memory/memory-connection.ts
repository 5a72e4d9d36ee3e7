import { onAborted } from '../../byte-streams.ts';
import type { HostConnection } from '../../host.ts';
import { HostError } from '../../host-error.ts';

/** How much may have been written and not been read before a write waits. */
const BUFFER_BYTES = 64 * 1024;

interface Direction {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** The reader gets the rest, and then the end. */
  end(): void;
  /** Both ends fail, the reader after the rest. */
  fail(cause: HostError): void;
}

/** The two ends of a connection in memory. Aborting `broken` fails both, with its reason. */
export function memoryConnection(broken: AbortSignal): [HostConnection, HostConnection] {
  const up = createDirection();
  const down = createDirection();
  const onBroken = (): void => {
    up.fail(broken.reason);
    down.fail(broken.reason);
  };
  broken.addEventListener('abort', onBroken, { once: true });
  const end = (incoming: Direction, outgoing: Direction): HostConnection => ({
    readable: incoming.readable,
    writable: outgoing.writable,
    async [Symbol.asyncDispose]() {
      broken.removeEventListener('abort', onBroken);
      incoming.fail(new HostError('aborted', 'The connection was closed on this side.'));
      outgoing.end();
    },
  });
  return [end(down, up), end(up, down)];
}

function createDirection(): Direction {
  const chunks: Uint8Array[] = [];
  const waiting: (() => void)[] = [];
  let size = 0;
  let isDropped = false;
  let isEnded = false;
  let failure: HostError | undefined;
  const changed = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };
  const change = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const end = (): void => {
    isEnded = true;
    changed();
  };
  const fail = (cause: HostError): void => {
    failure ??= cause;
    changed();
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk = chunks.shift();
          size -= chunk?.byteLength ?? 0;
          changed();
          if (chunk !== undefined) return controller.enqueue(chunk);
          if (isEnded) return controller.close();
          if (failure !== undefined) return controller.error(failure);
          await change();
        }
      },
      cancel() {
        isDropped = true;
        changed();
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      onAborted(controller, () => fail(new HostError('io', 'The other end broke the connection off.')));
    },
    async write(chunk) {
      if (isEnded) throw new HostError('io', 'Nobody reads the connection any more.');
      if (failure === undefined && !isDropped) {
        chunks.push(chunk);
        size += chunk.byteLength;
        changed();
      }
      while (size > BUFFER_BYTES && !isDropped && !isEnded && failure === undefined) await change();
      if (failure !== undefined) throw failure;
    },
    close: end,
  });
  return { readable, writable, end, fail };
}
