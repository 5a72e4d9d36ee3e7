import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';

/** Hands a request on to the model, body and answer as they flow. */
export function passToModel(
  incoming: IncomingMessage,
  response: ServerResponse,
  target: { readonly modelUrl: string; readonly body: Buffer },
): void {
  const path = (incoming.url ?? '').replace(/^\/v1/, '');
  const { 'content-length': _, 'transfer-encoding': __, host: ___, ...headers } = incoming.headers;
  const onward = httpRequest(`${target.modelUrl}${path}`, { method: incoming.method, headers });
  onward.on('error', () => response.destroy());
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, response, () => {});
  });
  response.on('close', () => onward.destroy());
  onward.end(target.body);
}
