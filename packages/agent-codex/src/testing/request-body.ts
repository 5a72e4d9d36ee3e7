import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ScriptedModelError } from './scripted-model-error.ts';

const largestBody = 256 * 1024 * 1024;

/**
 * The text of a request's body, unpacked.
 * @throws {ScriptedModelError} `request-too-large` above 256 MiB, counted unpacked.
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const unpack = decoder(request.headers['content-encoding']);
  const source = unpack === undefined ? request : request.compose<Duplex>(unpack);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > largestBody) {
      throw new ScriptedModelError('request-too-large', `The request is larger than ${largestBody} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function decoder(encoding: string | undefined): Duplex | undefined {
  switch (encoding) {
    case 'zstd':
      return createZstdDecompress();
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
