import { type Host, HostError, type HostPath, joinHostPath } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { sizeLimitInstructions } from './size-limit.ts';

/** By its first line an AGENTS.md of ours is known from one that came with a repository. */
const FIRST_LINE = '<!-- Written by Seedbed for this task; it is written anew when the task changes. -->';

/** More is no AGENTS.md that is as it was written. */
const MAX_BRIEF_BYTES = 1024 * 1024;
const RESUME_LOG_BYTES = 64 * 1024;

export interface BriefContent {
  /** What the agent is to do, in the caller's words. */
  readonly text: string;
  /** What snapshots leave out. */
  readonly exclude: readonly string[];
  /** What they may hold in files; with more they leave out what the agent has listed. */
  readonly maxBytes?: number | undefined;
  /** An earlier session of the task has written one: whatever is there now has come from the task itself. */
  readonly wasWritten?: boolean;
}

/** AGENTS.md as the agent finds it. */
function renderBrief({ text, exclude, maxBytes }: BriefContent): string {
  const lost = exclude.map((glob) => `\`${glob}\``).join(', ');
  return [
    FIRST_LINE,
    '',
    text.trim(),
    '',
    '## When this task is resumed',
    '',
    'The task may be stopped at any time and go on later, perhaps on another machine, in the same conversation. This folder comes back as it was, with two exceptions:',
    'programs that were running are not running any more, and what can be made again is not kept:',
    `${lost}.`,
    ...(maxBytes === undefined ? [] : [sizeLimitInstructions(maxBytes)]),
    'Each time it goes on a line is added to `resume.log` in this folder. A line that begins with `REFRESHED:` says that this file was changed meanwhile: read it again.',
    '',
  ].join('\n');
}

/**
 * @returns whether it took the place of somebody else's, which the agent may have read.
 * @throws {AgentCodexError} `invalid-config` when the folder has come with an AGENTS.md that is not ours: it is left alone.
 */
export async function writeBrief(host: Host, workdir: HostPath, content: BriefContent): Promise<boolean> {
  const path = joinHostPath(workdir, 'AGENTS.md');
  // An agent can have put a folder there; what comes with a repository is a file.
  if ((await host.stat(path))?.kind === 'directory') await host.remove(path, { recursive: true });
  const there = await textIfThere(host, path, () => ({ offset: 0, length: MAX_BRIEF_BYTES }));
  const isTheirs = there !== undefined && !there.startsWith(FIRST_LINE);
  if (isTheirs && content.wasWritten !== true) {
    throw new AgentCodexError(
      'invalid-config',
      `${path} has come with the folder, so brief cannot be written there. Leave brief out and use instructions, or put the repository into a folder of its own below the workdir.`,
    );
  }
  const text = renderBrief(content);
  if (there !== text) await host.writeFile(path, text, { mode: 0o644 });
  return isTheirs;
}

/**
 * Adds lines to the log of resumes; of a very long one the beginning goes. A link in its place is replaced, not followed. Where an agent has made a folder of
 * that name there is no log: the task goes on all the same, and what the lines say it is told anyway.
 */
export async function appendToResumeLog(
  host: Host,
  workdir: HostPath,
  { lines, now }: { readonly lines: readonly string[]; readonly now: number },
): Promise<void> {
  const path = joinHostPath(workdir, 'resume.log');
  const tail = (size: number) => ({ offset: Math.max(0, size - RESUME_LOG_BYTES), length: RESUME_LOG_BYTES });
  const before = (await textIfThere(host, path, tail)) ?? '';
  const stamp = new Date(now).toISOString();
  const added = lines.map((line) => `${stamp} ${line.replaceAll('\n', ' ')}\n`).join('');
  try {
    await host.writeFile(path, `${before}${added}`, { mode: 0o644 });
  } catch (failure) {
    if (!(failure instanceof HostError) || failure.code !== 'is-a-directory') throw failure;
  }
}

/** A part of a file, whatever an agent has made of it. */
async function textIfThere(
  host: Host,
  path: HostPath,
  partOf: (size: number) => { readonly offset: number; readonly length: number },
): Promise<string | undefined> {
  const stat = await host.stat(path);
  if (stat?.kind !== 'file') return undefined;
  try {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    for await (const piece of await host.readFile(path, partOf(stat.size)))
      text += decoder.decode(piece, { stream: true });
    return text + decoder.decode();
  } catch (failure) {
    if (failure instanceof HostError && failure.code === 'not-found') return undefined;
    throw failure;
  }
}
