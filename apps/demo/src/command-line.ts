import { parseArgs } from 'node:util';
import { type CodexVersion, codexReleases, defaultCodexVersion } from '@seedbed/binary-cache';
import { DemoError } from './demo-error.ts';

/** What the person asked for. */
export interface CommandLine {
  readonly help: boolean;
  /** Every approval is given without asking. */
  readonly yes: boolean;
  readonly codex: CodexVersion;
  /** A model of the real service; the scripted one when absent. */
  readonly model: string | undefined;
  readonly sandbox: 'codex' | 'external';
  /** Where the sample repository is made, as it was typed. */
  readonly workdir: string | undefined;
  readonly keep: boolean;
}

const versions: readonly string[] = Object.keys(codexReleases);

export const helpText: string = `Usage: npm run demo [-- options]

The real Codex repairs a small repository with a failing test, in a folder of its own.
A scripted model plays the service, so no account and no network is needed once Codex is there.

  -y, --yes            allow whatever Codex asks for; needed where nobody can be asked
      --codex VERSION  ${versions.join(' or ')} (${defaultCodexVersion} unless given)
      --model ID       talk to the real service with this model; the key is taken from
                       OPENAI_API_KEY or CODEX_API_KEY
      --sandbox WHO    codex (unless given): Codex confines its commands, and that is tried first;
                       external: this container or virtual machine is the sandbox, Codex confines nothing
      --workdir DIR    make the sample repository in DIR, which must be empty or not there;
                       unless given, in the ignored folder .cache/demo
      --keep           keep Codex's home as well, with its record of the session
  -h, --help           show this

Exit codes: 0 the test passes now, 1 it does not or something failed, 2 the demonstration did not begin,
130 stopped by Ctrl-C.
`;

/** @throws {DemoError} `usage`, with what is wrong and where help is. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args);
  return {
    help: values.help ?? false,
    yes: values.yes ?? false,
    codex: parseVersion(values.codex),
    model: values.model === undefined ? undefined : nonEmpty('--model', values.model),
    sandbox: parseSandbox(values.sandbox),
    workdir: values.workdir === undefined ? undefined : nonEmpty('--workdir', values.workdir),
    keep: values.keep ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        yes: { type: 'boolean', short: 'y' },
        codex: { type: 'string' },
        model: { type: 'string' },
        sandbox: { type: 'string' },
        workdir: { type: 'string' },
        keep: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error), error);
  }
}

function parseVersion(text: string | undefined): CodexVersion {
  if (text === undefined) return defaultCodexVersion;
  if (isVersion(text)) return text;
  throw usage(`--codex takes ${versions.join(' or ')}, not ${JSON.stringify(text)}.`);
}

function isVersion(text: string): text is CodexVersion {
  return Object.hasOwn(codexReleases, text);
}

function parseSandbox(text: string | undefined): 'codex' | 'external' {
  if (text === undefined || text === 'codex') return 'codex';
  if (text === 'external') return 'external';
  throw usage(`--sandbox takes codex or external, not ${JSON.stringify(text)}.`);
}

function nonEmpty(option: string, text: string): string {
  if (text.trim() === '') throw usage(`${option} needs a value.`);
  return text;
}

function usage(what: string, cause?: unknown): DemoError {
  return new DemoError('usage', `${what} See: npm run demo -- --help`, { cause });
}
