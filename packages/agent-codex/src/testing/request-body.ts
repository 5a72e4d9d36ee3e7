import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ScriptedModelError } from './scripted-model-error.ts';

const largestBody = 64 * 1024 * 1024;

/**
 * The text of a request's body, unpacked.
 * @throws {ScriptedModelError} `unreadable-request`; `request-too-large` above 64 MiB, counted unpacked.
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const unpack = decoder(request.headers['content-encoding']);
  const source = unpack === undefined ? request : request.compose<Duplex>(unpack);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The connection must outlive the reading, so that a refusal can be told.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > largestBody) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new ScriptedModelError('unreadable-request', 'The body broke off or is not packed as it says.', {
      cause: error,
    });
  }
  if (size > largestBody) {
    throw new ScriptedModelError('request-too-large', `The request is larger than ${largestBody} bytes.`);
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
