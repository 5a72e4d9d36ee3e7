import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** What a version of Codex can enforce, as measured with the real binaries: see docs/facts/codex-sandbox.md. */
export interface CodexConfinement {
  /** Root keeps its capabilities inside the sandbox, and can remount its way out. */
  readonly rootEscapes: boolean;
  /** Denied globs work in every form; otherwise only those that {@link SIMPLE_GLOB} describes do, and others hide nothing. */
  readonly anyGlob: boolean;
  /** `approval_policy = "untrusted"` is refused in config.toml and on an argv; it holds by default in a project that is not trusted, and in requests. */
  readonly untrustedByDefaultOnly: boolean;
}

/** Oldest first. A version between two rows is taken for the older one, because only the rows were measured. */
const MEASURED: readonly { readonly from: string; readonly confinement: CodexConfinement }[] = [
  { from: '0.142.5', confinement: { rootEscapes: true, anyGlob: false, untrustedByDefaultOnly: false } },
  { from: '0.169.0', confinement: { rootEscapes: false, anyGlob: true, untrustedByDefaultOnly: true } },
];

/** @throws {SandboxPolicyError} `unsupported-by-version` for a version older than every one that was measured, `invalid-policy` for what is no version. */
export function codexConfinement(version: string): CodexConfinement {
  const wanted = versionNumbers(version);
  const row = MEASURED.findLast(({ from }) => compareNumbers(versionNumbers(from), wanted) <= 0);
  if (row !== undefined) return row.confinement;
  throw new SandboxPolicyError(
    'unsupported-by-version',
    `Codex ${version} is older than ${MEASURED[0]?.from}, the oldest version whose sandbox is known. Use a newer one.`,
  );
}

function versionNumbers(version: string): readonly number[] {
  const match = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-[0-9A-Za-z.-]+)?$/.exec(version);
  if (match === null) {
    throw new SandboxPolicyError(
      'invalid-policy',
      `${JSON.stringify(version)} is no version of Codex. Give it as \`codex --version\` prints it, such as 0.169.0.`,
    );
  }
  // A pre-release comes before its release.
  return [Number(match[1]), Number(match[2]), Number(match[3]), match[4] === undefined ? 1 : 0];
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [index, number] of a.entries()) {
    const difference = number - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The form of a denied glob that every supported version enforces: a folder without glob characters, then `**`, a file name pattern, or both.
 * In 0.142.5 a `*` in the file name also reaches into folders below, which hides more than asked, never less.
 */
const SIMPLE_GLOB = /^(?:\/[^*?[\]/]+)*\/(?:\*\*|(?:\*\*\/)?[^/]*)$/;

export function isSimpleGlob(pattern: string): boolean {
  return SIMPLE_GLOB.test(pattern) && !/\*\*[^/]|[^/]\*\*/.test(pattern);
}
