import type { BlobLabels } from './blob-store.ts';
import { BlobStoreError } from './blob-store-error.ts';

const MAX_LABELS = 16;
const MAX_VALUE_CHARACTERS = 1_000;

/** @throws {BlobStoreError} `invalid-labels` for what not every store can keep and look for. Quotes no value. */
export function checkLabels(labels: BlobLabels): void {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) throw invalid(`a blob has ${entries.length}, more than ${MAX_LABELS}`);
  for (const [name, value] of entries) {
    if (!isLabelName(name)) {
      throw invalid(
        `one is called ${JSON.stringify(name)}: take a letter and up to 63 letters, digits, "-" and "_"`,
      );
    }
    if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS || !value.isWellFormed()) {
      throw invalid(`the value of "${name}" is no well-formed text of at most 1,000 characters`);
    }
  }
}

export function isLabelName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name);
}

/** Whether a blob carries all of these. */
export function hasLabels(labels: BlobLabels, wanted: BlobLabels): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
  );
}

function invalid(what: string): BlobStoreError {
  return new BlobStoreError('invalid-labels', `Labels can't be kept: ${what}.`);
}
