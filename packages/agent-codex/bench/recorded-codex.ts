import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BareMessage, openBareThread, runBareTurn, startBareAppServer } from './bare-app-server.ts';
import type { CodexLaunch } from './codex-launch.ts';

/** What a turn of the real Codex was answered and reported with. */
export interface Recording {
  readonly initialized: unknown;
  readonly started: unknown;
  readonly turn: unknown;
  /** In order, from the first after `turn/start` to `turn/completed`. */
  readonly messages: readonly BareMessage[];
}

export async function recordTurn({ command, thread }: CodexLaunch, text: string): Promise<Recording> {
  await using server = startBareAppServer(command);
  const { threadId, initialized, started } = await openBareThread(server, thread);
  const messages: BareMessage[] = [];
  const turn = await runBareTurn(server, { threadId, text }, (message) => messages.push(message));
  return { initialized, started, turn, messages };
}

/** A program that says again what was recorded, without Codex's own pace. See recorded-codex-program.ts. */
export async function writeRecordedCodex(folder: string, recording: Recording): Promise<string> {
  const { messages, ...answers } = recording;
  const path = join(folder, 'bin/codex');
  const program = fileURLToPath(new URL('./recorded-codex-program.ts', import.meta.url));
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'answers.json'), JSON.stringify(answers));
  await writeFile(
    join(folder, 'turn.jsonl'),
    messages.map((message) => `${JSON.stringify(message)}\n`).join(''),
  );
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${folder}' "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
