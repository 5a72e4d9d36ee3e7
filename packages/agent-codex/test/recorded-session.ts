import { readFile } from 'node:fs/promises';
import type { SupportedVersion } from './codex-binaries.ts';

/** One line of a recording: what Codex said, or what it was asked. */
export interface RecordedLine {
  readonly method?: string;
  readonly id?: number | string;
  readonly params?: unknown;
}

export function recordingPath(version: SupportedVersion): URL {
  return new URL(`./recordings/codex-${version}.jsonl`, import.meta.url);
}

/** What the real Codex wrote in a session that `record-session.ts` played, in order. */
export async function readRecording(version: SupportedVersion): Promise<readonly RecordedLine[]> {
  const text = await readFile(recordingPath(version), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): RecordedLine => JSON.parse(line));
}
