import { BinaryCacheError } from './binary-cache-error.ts';

/** A sha512 digest as npm writes it (Subresource Integrity): `sha512-` and 88 characters of base64. */
export type Integrity = `sha512-${string}`;

const sriPattern = /^sha512-[A-Za-z0-9+/]{86}==$/;

/**
 * Checks that `text` is exactly one sha512 digest. Weaker algorithms and lists of alternatives are not taken.
 *
 * @throws {BinaryCacheError} `invalid-release`.
 */
export function parseIntegrity(text: string): Integrity {
  if (!sriPattern.test(text)) {
    throw new BinaryCacheError(
      'invalid-release',
      `A digest must be one sha512 in npm's notation ("sha512-…=="), got ${JSON.stringify(text)}.`,
    );
  }
  return text as Integrity;
}

/** The digest's bytes in lower-case hexadecimal: 128 characters that may stand in a file name. */
export function integrityHex(integrity: Integrity): string {
  return Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
}

export function integrityOf(digest: Uint8Array): Integrity {
  return `sha512-${Buffer.from(digest).toString('base64')}`;
}
