/** A part of the probe: what is seen without the sandbox, what is said in it, and what is there afterwards, seen from outside. */
export type ProbePhase = 'before' | 'inside' | 'after';

/** What the probe's script said in each phase. */
export interface ProbeLines {
  /** The words about one task, line by line, by its position from 1. */
  words(phase: ProbePhase, position: number): readonly string[];
  /** The script came to the end of a phase. */
  ended(phase: ProbePhase): boolean;
  /** Everything that was printed in the sandbox, by whomever. */
  readonly printedInside: string;
}

/** Reads what `PROBE_SCRIPT` printed. Only the script itself knows the nonce, and it marks what comes out of the sandbox. */
export function readProbeLines(stdout: string, nonce: string): ProbeLines {
  const said = new Map<string, string[]>();
  const printed: string[] = [];
  for (const line of stdout.split('\n')) {
    if (line.startsWith('inside ')) printed.push(line.slice('inside '.length));
    const match = /^(before|inside|after) (\S+) (\d+) (.*)$/.exec(line);
    if (match?.[2] !== nonce) continue;
    const task = `${match[1]} ${match[3]}`;
    said.set(task, [...(said.get(task) ?? []), match[4] ?? '']);
  }
  const words = (phase: ProbePhase, position: number): readonly string[] =>
    said.get(`${phase} ${position}`) ?? [];
  return { words, ended: (phase) => words(phase, 0).includes('done'), printedInside: printed.join('\n') };
}
