import { BlobStoreError, type Keyring } from '@seedbed/blob-store';
import { SeedError } from './seed-error.ts';

/** Seals what is stored, or says in a word that it lies open. */
export type SealingChoice = Keyring | 'plaintext';

/** `context` says what is sealed and whose it is. */
export interface Sealing {
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws {SeedError} `unsealing-failed`. */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** Whether `seal` would seal it as it is sealed. */
  isCurrent(sealed: Uint8Array): boolean;
}

export const openSealing: Sealing = {
  seal: (plain) => plain,
  open: (sealed) => sealed,
  isCurrent: () => true,
};

/** @throws {SeedError} `invalid-config` for what is neither. */
export function sealingOf(choice: SealingChoice): Sealing {
  if (choice === 'plaintext') return openSealing;
  if (typeof choice !== 'object' || choice === null || typeof choice.keyIdOf !== 'function')
    throw new SeedError(
      'invalid-config',
      "sealing must be a keyring of @seedbed/blob-store, or the word 'plaintext'.",
    );
  return {
    isCurrent: (sealed) => choice.keyIdOf(sealed) === choice.current,
    seal: (plain, context) => choice.seal(plain, context),
    open(sealed, context) {
      try {
        return choice.open(sealed, context);
      } catch (cause) {
        if (!(cause instanceof BlobStoreError)) throw cause;
        throw new SeedError('unsealing-failed', `Could not open ${context}: ${cause.message}`, { cause });
      }
    },
  };
}

export function sealText(sealing: Sealing, text: string, context: string): string {
  return sealBase64(sealing, Buffer.from(text), context);
}

export function openText(sealing: Sealing, sealed: string, context: string): string {
  return Buffer.from(openBase64(sealing, sealed, context)).toString();
}

export function sealBase64(sealing: Sealing, plain: Uint8Array, context: string): string {
  return Buffer.from(sealing.seal(plain, context)).toString('base64');
}

export function openBase64(sealing: Sealing, sealed: string, context: string): Uint8Array {
  return sealing.open(Buffer.from(sealed, 'base64'), context);
}
