import type { ResumeReport } from './session-snapshots.ts';
import { sizeLimitInstructions } from './size-limit.ts';

export interface ResumeNoticeOptions {
  readonly exclude: readonly string[];
  readonly maxBytes: number | undefined;
  /** The caller's, where they are others than those that the thread was started or gone on with. */
  readonly newInstructions: string | undefined;
}

/** What the agent is told of a resume, and what `resume.log` says. Both are written by this program alone: nothing of the agent's or of a file goes in. */
export function resumeNotice(
  report: ResumeReport,
  { exclude, maxBytes, newInstructions }: ResumeNoticeOptions,
): string {
  const when = new Date(report.createdMs).toISOString();
  const sentences = [
    report.number === 0
      ? `System: this task goes on in a new session. It was cut off at ${when}.`
      : `System: this task goes on in a new session, from the snapshot of ${when}.`,
    report.workdir === 'restored'
      ? `The folder is as it was then, without ${exclude.join(', ')}.`
      : 'The folder is as you left it.',
    'Programs that were running have ended.',
    ...(report.thread === 'lost'
      ? ['The conversation so far could not be brought back: read the files to see what was done.']
      : []),
    ...report.differences.map(
      ({ setting, saved, now }) => `Changed since: ${setting}, from ${saved} to ${now}.`,
    ),
    ...(report.briefChanged ? ['AGENTS.md was written anew (REFRESHED in resume.log): read it again.'] : []),
    'resume.log lists every time that the task has gone on.',
    // Codex shows a thread that is resumed no other instructions than those that it was started with.
    ...(maxBytes === undefined || report.thread !== 'resumed' ? [] : [sizeLimitInstructions(maxBytes)]),
    ...(newInstructions === undefined || report.thread !== 'resumed'
      ? []
      : [`Your instructions are others than before: ${newInstructions}`]),
  ];
  return sentences.join(' ');
}

export function resumeLogLines(report: ResumeReport, hostLabel: string): readonly string[] {
  const when = new Date(report.createdMs).toISOString();
  return [
    `RESUMED: ${report.number === 0 ? `cut off at ${when}, before a snapshot` : `from snapshot ${report.number} of ${when}`}, on ${hostLabel}, workdir ${report.workdir}, thread ${report.thread}.`,
    ...report.differences.map(({ setting, saved, now }) => `CHANGED: ${setting} from ${saved} to ${now}.`),
    ...(report.briefChanged ? ['REFRESHED: AGENTS.md was written anew.'] : []),
  ];
}
