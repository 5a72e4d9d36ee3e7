import { randomUUID } from 'node:crypto';
import { type Command, type Host, HostError, type HostPath, joinHostPath, run } from '@seedbed/host';
import type { ResolvedSandbox } from './bind-policy.ts';
import { judge } from './probe-judgement.ts';
import { type ProbeLines, readProbeLines } from './probe-lines.ts';
import { canaryPlaces, type PlannedCheck, planProbe } from './probe-plan.ts';
import { PROBE_SCRIPT } from './probe-script.ts';
import { renderProbeArgv } from './render-argv.ts';
import { sandboxAdvice } from './sandbox-advice.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';
import type { SandboxCheck, SandboxReport } from './sandbox-report.ts';

export interface ProbeOptions {
  /** The binary itself, in the folder that it was published in. */
  readonly codexPath: string;
  /** What Codex gets besides the host's safe environment; `CODEX_HOME` is added. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take, in milliseconds. 30,000 by default. */
  readonly timeoutMs?: number;
  /** Lets a denial pass that nothing on the host could try. The report's verdict is `incomplete` then. */
  readonly allowUnchecked?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Shows that a policy holds on a host: runs commands under it that must succeed, and some that must fail and would succeed without it.
 * Places canaries in the workdir, in `CODEX_HOME`, in granted folders and beside the workdir, and takes them away. Needs no model and no login.
 *
 * Where Codex confines nothing there is nothing to try, and the report says who does.
 *
 * @throws {SandboxPolicyError} `probe-failed`, with the report, when anything came out otherwise than the policy says or a denial could not be tried.
 * @throws {HostError} when the host cannot run the probe at all, `timeout` and `aborted` included.
 */
export async function probeSandbox(
  host: Host,
  resolved: ResolvedSandbox,
  options: ProbeOptions,
): Promise<SandboxReport> {
  const { kind } = resolved.policy.profile;
  const { codexVersion } = resolved.binding;
  if (kind !== 'managed') {
    const confinedBy = kind === 'external' ? 'external' : 'nobody';
    return { confinedBy, codexVersion, verdict: 'incomplete', checks: [] };
  }
  const probe = createProbe(resolved, options.codexPath);
  const { stderr, lines } = await runProbe(host, probe, resolved.binding, options);
  const ran = lines.ended('inside');
  const checks = [
    commandCheck(stderr || lines.printedInside, ran),
    ...(ran ? judgeAll(probe, lines, resolved.binding.workdir) : []),
  ];
  const report: SandboxReport = { confinedBy: 'codex', codexVersion, verdict: verdictOf(checks), checks };
  refuseUnlessHeld(report, { host, output: `${stderr}\n${lines.printedInside}`, options });
  return report;
}

/** What is tried, and the commands that try it. */
interface Probe {
  readonly nonce: string;
  readonly secret: string;
  readonly planned: readonly PlannedCheck[];
  readonly places: readonly HostPath[];
  /** Does all of it. */
  readonly whole: readonly [string, ...string[]];
  /** Takes away what the other one made and could not take away itself. */
  readonly clear: readonly [string, ...string[]];
}

function createProbe(resolved: ResolvedSandbox, codexPath: string): Probe {
  const [nonce, secret] = [randomUUID(), randomUUID()];
  const planned = planProbe(resolved);
  const places = canaryPlaces(resolved);
  const script = (mode: string, ...rest: readonly string[]): [string, ...string[]] => {
    return ['/bin/sh', '-c', PROBE_SCRIPT, 'sh', mode, nonce, ...rest];
  };
  const tasks = [...planned.map(taskOf), ...places.map((path) => `c:${path}`)];
  const inside = [codexPath, ...renderProbeArgv(resolved, script('try'))];
  const whole = script('probe', secret, String(inside.length), ...inside, ...tasks);
  return { nonce, secret, planned, places, whole, clear: script('clear', ...tasks) };
}

/** What a probe that is ended may take to take away what it made: it alone knows which folders were not there before. In milliseconds. */
const TIDY_MS = 10_000;

/** One command: a host across a slow link is asked once. Whatever becomes of it, the canaries go. */
async function runProbe(
  host: Host,
  { nonce, whole, clear }: Probe,
  { codexHome, workdir }: ResolvedSandbox['binding'],
  { env = {}, signal, timeoutMs = 30_000 }: ProbeOptions,
): Promise<{ readonly stderr: string; readonly lines: ProbeLines }> {
  const bounds = { timeoutMs, graceMs: TIDY_MS, maxOutputBytes: 1024 * 1024, check: true };
  try {
    const command: Command = { argv: whole, cwd: workdir, env: { ...env, CODEX_HOME: codexHome } };
    const { stdout, stderr } = await run(
      host,
      command,
      signal === undefined ? bounds : { ...bounds, signal },
    );
    const lines = readProbeLines(stdout, nonce);
    if (lines.ended('after')) return { stderr, lines };
    throw new HostError(
      'command-failed',
      `The probe of the sandbox was cut off. It printed: ${lastWords(stderr || stdout)}`,
    );
  } catch (failure) {
    // Not to be aborted. That it fails, too, is the smaller failure.
    await run(host, { argv: clear, cwd: workdir }, { timeoutMs }).catch(() => undefined);
    throw failure;
  }
}

function judgeAll(
  { planned, places, nonce, secret }: Probe,
  lines: ProbeLines,
  workdir: HostPath,
): SandboxCheck[] {
  // The canary folder has the position of the first place where it could have been made.
  const outside = planned.length + 1;
  const made = lines.words('before', outside).find((word) => word.startsWith('made '));
  const place = made === undefined ? undefined : places[Number(made.slice('made '.length)) - outside];
  // Without one, the check stays, and is judged as one that did not run.
  const folder = place === undefined ? workdir : joinHostPath(place, `.seedbed-probe-${nonce}`);
  return [...planned, outsideCheck(folder)].map((check, index) => {
    const words = {
      control: lines.words('before', index + 1),
      inside: lines.words('inside', index + 1),
      after: lines.words('after', index + 1),
    };
    return judge(check, words, secret);
  });
}

function outsideCheck(path: HostPath): PlannedCheck {
  return { kind: 'o', path, subject: 'outside-write', expected: 'denied' };
}

function taskOf({ kind, path }: PlannedCheck): string {
  return `${kind}:${kind === 'm' ? mountPath(path) : path}`;
}

/** A path as the kernel writes it in its table of mounts. */
function mountPath(path: HostPath): string {
  return path.replace(/[\\ \t\n]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function commandCheck(output: string, ran: boolean): SandboxCheck {
  return {
    subject: 'command',
    target: '/bin/sh',
    expected: 'allowed',
    observed: ran ? 'allowed' : 'denied',
    evidence: ran ? 'a shell ran to its end' : `no command runs; Codex printed: ${lastWords(output)}`,
  };
}

function lastWords(output: string): string {
  return output.trim().slice(-600) || 'nothing';
}

function verdictOf(checks: readonly SandboxCheck[]): SandboxReport['verdict'] {
  const otherwise = checks.filter(({ expected, observed }) => observed !== expected);
  if (otherwise.length === 0) return 'held';
  return otherwise.every(({ observed }) => observed === 'not-checkable') ? 'incomplete' : 'violated';
}

function refuseUnlessHeld(
  report: SandboxReport,
  { host, output, options }: { readonly host: Host; readonly output: string; readonly options: ProbeOptions },
): void {
  const wrong = report.checks.filter(({ expected, observed }) => {
    if (observed === 'not-checkable') return expected === 'denied' && options.allowUnchecked !== true;
    return observed !== expected;
  });
  if (wrong.length === 0) return;
  const story = wrong.map(describeCheck).join('\n');
  const advice = wrong.some(({ subject }) => subject === 'command')
    ? sandboxAdvice(output, host.uid)
    : 'Nothing was started. Do not use this host with this policy until that is understood.';
  throw new SandboxPolicyError(
    'probe-failed',
    `The sandbox of Codex ${report.codexVersion} was tried on ${host.label} and does not do what the policy says:\n${story}\n${advice}`,
    { report },
  );
}

function describeCheck({ evidence, expected, observed, subject, target }: SandboxCheck): string {
  return `- ${subject} ${target}: should be ${expected}, is ${observed} (${evidence})`;
}
