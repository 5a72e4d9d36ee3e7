/** A file below a folder, or a part of one. */
export interface HashRange {
  /** From the folder, without a leading slash. */
  readonly relativePath: string;
  /** First byte. 0 by default. */
  readonly offset?: number;
  /** How many bytes, from there, at the most. All by default. */
  readonly length?: number;
}

export interface FileHash {
  readonly relativePath: string;
  /** In hexadecimal; `undefined` when the file is gone, may not be read, or is no regular file. */
  readonly sha256: string | undefined;
  /** How many bytes it is of. Fewer than `length` when the file is shorter. */
  readonly bytes: number;
}

export interface HashFilesOptions {
  readonly signal?: AbortSignal;
}

/** Of no bytes. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
