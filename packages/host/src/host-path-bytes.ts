import { HostError } from './host-error.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/**
 * The text of a file name or path that the host gives as bytes. Bytes that are not UTF-8 become the lone surrogates
 * U+DC80 to U+DCFF (`surrogateescape`, as in Python's PEP 383), so that {@link encodeHostPathBytes} gives the same bytes again.
 */
export function decodeHostPathBytes(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

/**
 * The bytes of a file name or path on the host.
 *
 * @throws {HostError} `invalid-path` for a lone surrogate outside of U+DC80 to U+DCFF, which stands for no byte.
 */
export function encodeHostPathBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return utf8.encode(text);
  const parts: Uint8Array[] = [];
  let plain = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0xd800 || code > 0xdfff) {
      plain += character;
      continue;
    }
    if (code < 0xdc80 || code > 0xdcff) {
      throw new HostError(
        'invalid-path',
        `A path on a host cannot hold U+${code.toString(16).toUpperCase()}, half of a character: ${JSON.stringify(text)}.`,
      );
    }
    parts.push(utf8.encode(plain), Uint8Array.of(code - 0xdc00));
    plain = '';
  }
  parts.push(utf8.encode(plain));
  return Buffer.concat(parts);
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += strictUtf8.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** How many bytes the UTF-8 character at `at` has; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    strictUtf8.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
