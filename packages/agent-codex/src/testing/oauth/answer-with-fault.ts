import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAnswer } from './oauth-endpoints.ts';
import type { OAuthFault } from './oauth-fault.ts';

/** Sends an answer, or breaks as it is told to. Gives the status that was sent; none where none was. */
export async function answerWithFault(
  response: ServerResponse,
  work: () => EndpointAnswer,
  options: {
    readonly fault: OAuthFault | undefined;
    /** Settles when the hold of this name is released. */
    readonly held: (name: string) => Promise<void>;
  },
): Promise<number | undefined> {
  const { fault, held } = options;
  switch (fault?.type) {
    case undefined:
      return send(response, work());
    case 'status': {
      const { retryAfter, status } = fault;
      const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
      return send(response, { status, headers, body: { error: { message: 'The server is in trouble.' } } });
    }
    case 'hang':
      return undefined;
    case 'html': {
      const headers = { 'content-type': 'text/html' };
      return send(response, { status: 200, headers, body: '<html><body>Please log in to the network.' });
    }
    case 'says': {
      const headers = { 'content-type': 'application/json' };
      return send(response, { status: 200, headers, body: fault.body });
    }
    case 'redirect':
      return send(response, { status: 307, headers: { location: fault.location }, body: '' });
    case 'huge':
      return send(response, { status: 200, body: { padding: 'x'.repeat(fault.bytes) } });
    case 'cut':
      return cut(response, work, fault.when);
    case 'hold': {
      const answer = work();
      await held(fault.name);
      return send(response, answer);
    }
    case 'slow': {
      const answer = work();
      await delay(fault.ms);
      return send(response, answer);
    }
  }
}

function cut(
  response: ServerResponse,
  work: () => EndpointAnswer,
  when: 'received' | 'done' | 'answering',
): undefined {
  if (when === 'received') return void response.destroy();
  const { status, body } = work();
  if (when === 'done') return void response.destroy();
  const text = textOf(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy());
}

function send(response: ServerResponse, { status, headers, body }: EndpointAnswer): number | undefined {
  if (response.destroyed) return undefined;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(textOf(body));
  return status;
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
