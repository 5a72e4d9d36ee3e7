import type { PlannedCheck } from './probe-plan.ts';
import type { SandboxCheck } from './sandbox-report.ts';

/** What one run of the probe's script said about one check, word by word, line by line. */
export interface ProbeWords {
  /** Without the sandbox: whether the same attempt would succeed at all. */
  readonly control: readonly string[];
  readonly inside: readonly string[];
  /** From outside, afterwards: what is on the disk. Counts more than what the sandbox let the script say. */
  readonly after: readonly string[];
}

type Judgement = Pick<SandboxCheck, 'observed' | 'evidence'>;

/** Turns words into a verdict. What was not tried, or would have failed anyway, is never taken for a denial by the sandbox. */
export function judge(planned: PlannedCheck, words: ProbeWords, secret: string): SandboxCheck {
  const judgement = judgementOf(planned, words, secret);
  const target = planned.kind === 'n' ? 'a TCP socket' : planned.path;
  return { subject: planned.subject, target, expected: planned.expected, ...judgement };
}

function judgementOf(planned: PlannedCheck, words: ProbeWords, secret: string): Judgement {
  if (words.inside.length === 0) return unknown('the check did not run in the sandbox');
  if (planned.kind === 'n') return judgeNetwork(words);
  if (planned.kind === 'm') return judgeHeldFolder(words);
  if (planned.kind === 's' || planned.kind === 'a' || planned.kind === 'd')
    return judgeRead(planned, words, secret);
  return judgeWrite(planned, words);
}

function judgeWrite(planned: PlannedCheck, { after, control, inside }: ProbeWords): Judgement {
  if (after.includes('landed'))
    return { observed: 'allowed', evidence: 'a canary was written, and is on the disk' };
  if (inside.includes('wrote')) {
    if (planned.kind === 'p') return { observed: 'allowed', evidence: 'the folder could be written' };
    return { observed: 'denied', evidence: 'the write seemed to succeed, but is not on the disk' };
  }
  if (inside.includes('untried')) return unknown('the host has no mkdir to try it with');
  const proven = planned.kind === 'p' || planned.kind === 'g' || control.includes('landed');
  if (planned.expected === 'denied' && !proven) return unknown('it fails without the sandbox, too');
  return {
    observed: 'denied',
    evidence: control.includes('landed') ? 'refused, though it succeeds without the sandbox' : 'refused',
  };
}

function judgeHeldFolder({ inside }: ProbeWords): Judgement {
  if (inside.includes('untried')) return unknown('the host does not list its mounts');
  if (inside.includes('wrote')) return { observed: 'allowed', evidence: 'it is no mount in the sandbox' };
  return { observed: 'denied', evidence: 'it is a mount in the sandbox' };
}

function judgeRead(planned: PlannedCheck, { control, inside }: ProbeWords, secret: string): Judgement {
  if (planned.kind !== 's') {
    if (inside.includes('read')) return { observed: 'allowed', evidence: 'it could be opened' };
    const there = control.includes('read');
    return {
      observed: 'denied',
      evidence: there ? 'refused, though it opens without the sandbox' : 'there is nothing to open',
    };
  }
  if (inside.some((line) => line.startsWith('read'))) {
    return { observed: 'allowed', evidence: 'a canary beside the login could be read' };
  }
  if (!control.includes(`read ${secret}`))
    return unknown('the canary could not be placed, or not be read without the sandbox');
  return {
    observed: 'denied',
    evidence: 'a canary beside the login was refused, though it opens without the sandbox',
  };
}

const REFUSED_BY_SANDBOX = /not permitted|permission denied/i;

/** A socket that gets as far as an answer, or a refusal by the other side, has left the sandbox. */
function judgeNetwork({ control, inside }: ProbeWords): Judgement {
  const [without, within] = [networkWords(control), networkWords(inside)];
  if (within.tool !== 'none' && within.tool === without.tool) {
    if (!REFUSED_BY_SANDBOX.test(within.said)) {
      return { observed: 'allowed', evidence: `${within.tool} could open a socket` };
    }
    const anyway = REFUSED_BY_SANDBOX.test(without.said) ? ', and so is it without the sandbox' : '';
    return { observed: 'denied', evidence: `a socket is refused to ${within.tool}${anyway}` };
  }
  const onlyLoopback = within.interfaces.length > 0 && within.interfaces.every((name) => name === 'lo');
  if (onlyLoopback && without.interfaces.some((name) => name !== 'lo')) {
    return {
      observed: 'denied',
      evidence: 'the sandbox has a network of its own, with nothing but a loopback',
    };
  }
  if (within.interfaces.some((name) => name !== 'lo')) {
    return {
      observed: 'allowed',
      evidence: `the sandbox has the host's network: ${within.interfaces.join(', ')}`,
    };
  }
  return unknown('the host has neither bash, perl nor python3 to open a socket with');
}

function networkWords(lines: readonly string[]): {
  tool: string;
  interfaces: readonly string[];
  said: string;
} {
  const match = /^(\S+) interfaces([^;]*);(.*)$/.exec(lines[0] ?? '');
  const interfaces = (match?.[2] ?? '').split(' ').filter((name) => name !== '');
  return { tool: match?.[1] ?? 'none', interfaces, said: match?.[3] ?? '' };
}

function unknown(evidence: string): Judgement {
  return { observed: 'not-checkable', evidence };
}
