import { randomUUID } from 'node:crypto';
import { type Command, type Host, type HostPath, joinHostPath, type RunResult, run } from '@seedbed/host';
import type { ResolvedSandbox } from './bind-policy.ts';
import { judge } from './probe-judgement.ts';
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
  /** How long each of the three commands may take, in milliseconds. 30,000 by default. */
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
  const probe = createProbe(host, resolved, options);
  let canaries: Canaries | undefined;
  let inside: RunResult;
  let after: ProbeLines;
  try {
    canaries = await probe.prepare();
    inside = await probe.tryInSandbox(canaries);
  } finally {
    after = await probe.finish(canaries);
  }
  const ran = inside.stdout.includes(`${probe.nonce} 0 done`);
  const checks = [commandCheck(inside, ran), ...(ran ? probe.judgeAll(canaries, inside, after) : [])];
  const report: SandboxReport = { confinedBy: 'codex', codexVersion, verdict: verdictOf(checks), checks };
  refuseUnlessHeld(report, { host, inside, options });
  return report;
}

/** The words of one run of the script, by the position of the task that they are about. */
type ProbeLines = ReadonlyMap<number, readonly string[]>;

interface Canaries {
  readonly plan: readonly PlannedCheck[];
  readonly control: ProbeLines;
  /** Where what the control said about each check stands. */
  readonly controlPositions: readonly number[];
}

function createProbe(host: Host, resolved: ResolvedSandbox, options: ProbeOptions) {
  const nonce = randomUUID();
  const secret = randomUUID();
  const planned = planProbe(resolved);
  const places = canaryPlaces(resolved);
  const { codexHome, workdir } = resolved.binding;
  const { codexPath, env = {}, signal, timeoutMs = 30_000 } = options;
  const bounds = { timeoutMs, maxOutputBytes: 256 * 1024 };
  const environment = { ...env, CODEX_HOME: codexHome };
  const script = (mode: string, tasks: readonly string[]): [string, ...string[]] => {
    return ['/bin/sh', '-c', PROBE_SCRIPT, 'sh', mode, nonce, ...tasks];
  };
  const abortable = signal === undefined ? bounds : { ...bounds, signal };

  return {
    nonce,
    async prepare(): Promise<Canaries> {
      const tasks = [...planned.map(taskOf), ...places.map((path) => `c:${path}`)];
      const command: Command = { argv: script('prepare', tasks), cwd: workdir };
      const lines = readLines(
        (await run(host, command, { ...abortable, input: `${secret}\n`, check: true })).stdout,
        nonce,
      );
      const controlPositions = planned.map((_, index) => index + 1);
      const place = places.findIndex((_, index) => lines.get(planned.length + index + 1)?.includes('made'));
      if (place < 0) return { plan: [...planned, outsideCheck(workdir)], control: lines, controlPositions };
      const folder = joinHostPath(places[place] ?? workdir, `.seedbed-probe-${nonce}`);
      return {
        plan: [...planned, outsideCheck(folder)],
        control: lines,
        controlPositions: [...controlPositions, planned.length + place + 1],
      };
    },
    async tryInSandbox({ plan }: Canaries): Promise<RunResult> {
      const argv = renderProbeArgv(resolved, script('try', tried(plan).map(taskOf)));
      return run(host, { argv: [codexPath, ...argv], cwd: workdir, env: environment }, abortable);
    },
    /** Not to be aborted: the canaries have to go, also those of a preparation that failed half-way. */
    async finish(canaries: Canaries | undefined): Promise<ProbeLines> {
      const checks = tried(canaries?.plan ?? planned).map((check, index) => {
        return canaries?.control.get(index + 1)?.includes('absent') ? `q:${check.path}` : taskOf(check);
      });
      const tasks = [...checks, ...places.map((path) => `c:${path}`)];
      return readLines(
        (await run(host, { argv: script('finish', tasks), cwd: workdir }, bounds)).stdout,
        nonce,
      );
    },
    judgeAll(
      { control, controlPositions, plan }: Canaries,
      inside: RunResult,
      after: ProbeLines,
    ): SandboxCheck[] {
      const said = readLines(inside.stdout, nonce);
      return plan.map((check, index) => {
        const words = {
          control: control.get(controlPositions[index] ?? -1) ?? [],
          inside: said.get(index + 1) ?? [],
          after: after.get(index + 1) ?? [],
        };
        return judge(check, words, secret);
      });
    },
  };

  function tried(plan: readonly PlannedCheck[]): readonly PlannedCheck[] {
    // Without a canary folder there is nothing to write outside: the check stays, and is judged as one that did not run.
    return plan.filter(({ kind, path }) => kind !== 'o' || path !== workdir);
  }
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

function readLines(stdout: string, nonce: string): ProbeLines {
  const lines = new Map<number, string[]>();
  for (const line of stdout.split('\n')) {
    const match = /^(\S+) (\d+) (.*)$/.exec(line);
    if (match?.[1] !== nonce) continue;
    const position = Number(match[2]);
    lines.set(position, [...(lines.get(position) ?? []), match[3] ?? '']);
  }
  return lines;
}

function commandCheck(inside: RunResult, ran: boolean): SandboxCheck {
  return {
    subject: 'command',
    target: '/bin/sh',
    expected: 'allowed',
    observed: ran ? 'allowed' : 'denied',
    evidence: ran
      ? 'a shell ran to its end'
      : `no command runs; Codex printed: ${lastWords(inside.stderr || inside.stdout)}`,
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
  {
    host,
    inside,
    options,
  }: { readonly host: Host; readonly inside: RunResult; readonly options: ProbeOptions },
): void {
  const wrong = report.checks.filter(({ expected, observed }) => {
    if (observed === 'not-checkable') return expected === 'denied' && options.allowUnchecked !== true;
    return observed !== expected;
  });
  if (wrong.length === 0) return;
  const story = wrong.map(describeCheck).join('\n');
  const advice = wrong.some(({ subject }) => subject === 'command')
    ? sandboxAdvice(`${inside.stderr}\n${inside.stdout}`, host.uid)
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
