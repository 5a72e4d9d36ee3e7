import { BlobStoreError, type Keyring } from '@seedbed/blob-store';
import { SeedError } from './seed-error.ts';

/** Seals what is stored, or says in a word that it lies open. */
export type SealingChoice = Keyring | 'plaintext';

/** `context` says what is sealed and whose it is. */
export interface Sealing {
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws {SeedError} `unsealing-failed`. */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

export const openSealing: Sealing = { seal: (plain) => plain, open: (sealed) => sealed };

export function sealingOf(choice: SealingChoice): Sealing {
  if (choice === 'plaintext') return openSealing;
  return {
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
  return Buffer.from(sealing.seal(Buffer.from(text), context)).toString('base64');
}

export function openText(sealing: Sealing, sealed: string, context: string): string {
  return Buffer.from(sealing.open(Buffer.from(sealed, 'base64'), context)).toString();
}
