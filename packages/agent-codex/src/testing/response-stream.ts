import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResponseEvent } from './response-items.ts';

const flushAt = 16 * 1024;

/** The answer to one request on the wire. Every wait ends when Codex closes the connection. */
export interface ResponseStream {
  /** Aborts when the connection is gone, from whichever side. */
  readonly gone: AbortSignal;
  readonly started: boolean;
  /** Sends the status and headers of an event stream, once. */
  start(): void;
  /** Buffered; returns when Codex reads fast enough. */
  send(event: ResponseEvent): Promise<void>;
  sendRaw(text: string): Promise<void>;
  /** Sends what is buffered now, then waits. */
  pause(ms: number): Promise<void>;
  flush(): Promise<void>;
  /** A whole answer that is no stream. */
  refuse(status: number, headers: Readonly<Record<string, string>>, body: unknown): void;
  finish(): Promise<void>;
  cut(): void;
}

export function createResponseStream(response: ServerResponse): ResponseStream {
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  const gone = closed.signal;
  let buffer = '';
  let started = false;

  const start = (): void => {
    if (started) return;
    started = true;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
  };
  const flush = async (): Promise<void> => {
    gone.throwIfAborted();
    start();
    if (buffer === '') return;
    const text = buffer;
    buffer = '';
    if (!response.write(text)) await once(response, 'drain', { signal: gone });
  };
  const sendRaw = async (text: string): Promise<void> => {
    buffer += text;
    if (buffer.length >= flushAt) await flush();
  };

  return {
    gone,
    get started(): boolean {
      return started;
    },
    start,
    sendRaw,
    flush,
    send: (event) => sendRaw(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
    async pause(ms) {
      if (started) await flush();
      await sleep(ms, undefined, { signal: gone });
    },
    refuse(status, headers, body) {
      started = true;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    },
    async finish() {
      await flush();
      response.end();
    },
    cut() {
      response.destroy();
    },
  };
}
