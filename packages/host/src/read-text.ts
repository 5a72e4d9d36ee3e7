import type { HostFiles } from './host.ts';
import { HostError } from './host-error.ts';
import type { HostPath } from './host-path.ts';
import { checkCount } from './option-values.ts';

export interface ReadTextOptions {
  /** 16 MiB by default; a longer file fails with `limit-exceeded`. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/**
 * A whole file as UTF-8 text; bytes that are none become U+FFFD.
 *
 * @throws {HostError} what `Host.readFile` throws, `limit-exceeded`.
 */
export async function readText(
  host: HostFiles,
  path: HostPath,
  options: ReadTextOptions = {},
): Promise<string> {
  checkCount(options.maxBytes, 'maxBytes');
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const stream = await host.readFile(path, { length: maxBytes + 1, ...signal });
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
  }
  if (bytes > maxBytes) {
    throw new HostError('limit-exceeded', `Did not read ${path}: it is longer than ${maxBytes} bytes.`);
  }
  return text + decoder.decode();
}
