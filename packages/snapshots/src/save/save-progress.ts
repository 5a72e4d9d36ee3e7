/** How far a save is. Counts only grow; `totalFiles` and `totalBytes` are known once the folder was listed. */
export interface SaveProgress {
  readonly phase: 'listing' | 'reading' | 'storing' | 'saved';
  /** Files of the folder whose content is known or read by now. */
  readonly files: number;
  readonly totalFiles: number;
  /** Bytes of these files. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Bytes that were read from the host. */
  readonly readBytes: number;
  /** Bytes that the last snapshot or another file had already. */
  readonly knownBytes: number;
  /** Bytes that went to the store, compressed. */
  readonly storedBytes: number;
}

export const NOTHING_SAVED: SaveProgress = {
  phase: 'listing',
  files: 0,
  totalFiles: 0,
  bytes: 0,
  totalBytes: 0,
  readBytes: 0,
  knownBytes: 0,
  storedBytes: 0,
};
