/** The other side of a connection, as raw as a test needs it: it can write anything, stop reading, and go away. */
export interface RawPeer {
  /** Ours to read. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Ours to write. */
  readonly writable: WritableStream<Uint8Array>;
  /** Writes one message, as JSON and with a line end. */
  send(...messages: readonly unknown[]): void;
  /** Writes as it is. */
  sendRaw(text: string | Uint8Array): void;
  /** The next message that it was sent; rejects when our side has ended and nothing is left. */
  next(): Promise<unknown>;
  /** What it was sent and nobody took by `next`. */
  readonly unread: readonly unknown[];
  /** Our side has ended its output. */
  readonly inputEnded: boolean;
  /** Our side has let go of its output; undefined until then. */
  readonly cancelled: boolean;
  /** From now on takes nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends its output. */
  end(): void;
  /** Its output breaks. */
  breakOutput(error: Error): void;
  /** Its input breaks: whatever is written next fails. */
  breakInput(error: Error): void;
}

export function createRawPeer(): RawPeer {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const received: unknown[] = [];
  const waiting: { resolve(message: unknown): void; reject(error: Error): void }[] = [];
  let output: ReadableStreamDefaultController<Uint8Array> | undefined;
  let input: WritableStreamDefaultController | undefined;
  let cancelled = false;
  let inputEnded = false;
  let paused: PromiseWithResolvers<void> | undefined;
  let rest = '';

  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      output = controller;
    },
    cancel() {
      cancelled = true;
    },
  });
  const endInput = (): void => {
    inputEnded = true;
    for (const { reject } of waiting.splice(0)) reject(new Error('The connection was ended.'));
  };
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      input = controller;
    },
    async write(chunk) {
      await paused?.promise;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const message: unknown = JSON.parse(line);
        const waiter = waiting.shift();
        if (waiter === undefined) received.push(message);
        else waiter.resolve(message);
      }
    },
    close: endInput,
    abort: endInput,
  });

  return {
    readable,
    writable,
    send(...messages) {
      for (const message of messages) output?.enqueue(encoder.encode(`${JSON.stringify(message)}\n`));
    },
    sendRaw: (text) => output?.enqueue(typeof text === 'string' ? encoder.encode(text) : text),
    next() {
      if (received.length > 0) return Promise.resolve(received.shift());
      if (inputEnded) return Promise.reject(new Error('The connection was ended.'));
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting.push({ resolve, reject });
      return promise;
    },
    unread: received,
    get inputEnded() {
      return inputEnded;
    },
    get cancelled() {
      return cancelled;
    },
    pause() {
      paused ??= Promise.withResolvers<void>();
    },
    resume() {
      paused?.resolve();
      paused = undefined;
    },
    end: () => output?.close(),
    breakOutput: (error) => output?.error(error),
    breakInput: (error) => input?.error(error),
  };
}
