import { JsonRpcError } from './json-rpc-error.ts';

const DEFAULT_MAX_QUEUED_BYTES = 128 * 1024 * 1024;

/** Every waiting message takes some memory beside its bytes. */
const MAX_QUEUED_MESSAGES = 16_384;

export interface JsonLineWriter {
  /**
   * Puts one JSON text, which holds no line end, behind those before it. Resolves when the stream has taken it.
   * @throws {JsonRpcError} `queue-full`, `write-failed`.
   */
  write(json: string): Promise<void>;
  /** Ends the stream when everything has been written. Never rejects; what could not be written was told to its writer. */
  end(): Promise<void>;
  /** Drops what has not been written. Does not wait: a stream that is stuck in a write can't be ended before it. */
  abort(reason: unknown): void;
}

export interface JsonLineWriterOptions {
  /** Bytes that may wait, the message being written included; of messages 16,384 may. 128 MiB by default; a larger message can never be sent. */
  readonly maxQueuedBytes?: number | undefined;
  /** Called once, when the stream can't be written to any more although nobody ended it. */
  readonly onFailure?: (error: JsonRpcError) => void;
}

/** Writes JSON texts to a stream, a line each, in the order of the calls. */
export function createJsonLineWriter(
  writable: WritableStream<Uint8Array>,
  { maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES, onFailure }: JsonLineWriterOptions = {},
): JsonLineWriter {
  const encoder = new TextEncoder();
  const writer = writable.getWriter();
  let queuedBytes = 0;
  let queuedMessages = 0;
  let ended = false;

  const failed = (cause: unknown): JsonRpcError =>
    new JsonRpcError(
      'write-failed',
      'The connection could not be written to: its other side is gone or was closed.',
      { cause },
    );

  writer.closed.catch((cause: unknown) => {
    if (!ended) onFailure?.(failed(cause));
  });

  return {
    async write(json) {
      const line = encoder.encode(`${json}\n`);
      if (queuedBytes + line.length > maxQueuedBytes || queuedMessages >= MAX_QUEUED_MESSAGES) {
        const waiting = `${queuedMessages} messages of ${queuedBytes} bytes are waiting for the peer to read`;
        const limits = `${MAX_QUEUED_MESSAGES} of ${maxQueuedBytes} bytes may`;
        throw new JsonRpcError(
          'queue-full',
          `A message of ${line.length} bytes was not sent: ${waiting}, and ${limits}.`,
        );
      }
      queuedBytes += line.length;
      queuedMessages += 1;
      try {
        await writer.write(line);
      } catch (cause) {
        throw failed(cause);
      } finally {
        queuedBytes -= line.length;
        queuedMessages -= 1;
      }
    },
    async end() {
      ended = true;
      await writer.close().catch(() => {});
    },
    abort(reason) {
      ended = true;
      writer.abort(reason).catch(() => {});
    },
  };
}
