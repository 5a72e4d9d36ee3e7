import { isLabelName } from '../blob-labels.ts';
import type { BlobId, BlobInfo } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import type { FileDocument } from './gridfs-layout.ts';

/** What a files document says, as far as it is about bytes. */
export interface FileFacts {
  readonly size: number;
  readonly chunkSize: number;
}

/** @throws {BlobStoreError} `damaged` when sizes are missing or make no sense. */
export function fileFacts(file: FileDocument): FileFacts {
  const size = wholeNumber(file.length);
  const chunkSize = wholeNumber(file.chunkSize);
  if (size === undefined || chunkSize === undefined || chunkSize === 0) {
    throw new BlobStoreError(
      'damaged',
      `Blob ${file._id.toHexString()} is damaged: its document has no usable sizes.`,
    );
  }
  return { size, chunkSize };
}

/** The text members of its metadata are a blob's labels. */
export function blobInfo(file: FileDocument): BlobInfo {
  const { size } = fileFacts(file);
  const metadata = typeof file.metadata === 'object' && file.metadata !== null ? file.metadata : {};
  const labels = Object.fromEntries(
    Object.entries(metadata).filter(
      (entry): entry is [string, string] => isLabelName(entry[0]) && typeof entry[1] === 'string',
    ),
  );
  const createdMs = file.uploadDate instanceof Date ? file.uploadDate.getTime() : 0;
  return { id: file._id.toHexString() as BlobId, size, createdMs, labels };
}

/** Drivers write sizes as 32 bits, 64 bits or floating, and give them in as many ways. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'number' ? value : Number(String(value));
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
