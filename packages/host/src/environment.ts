import picomatch from 'picomatch';

/** What a child may inherit unless the caller says otherwise: how to find programs, who it is, its language and clock. */
export const SAFE_ENVIRONMENT_NAMES: readonly string[] = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'LC_*',
  'TZ',
  'TMPDIR',
  'SEEDBED_PROCESS',
];

/**
 * Globs, matched without regard to case, for names that tend to hold credentials or lead to them.
 * A variable with such a name is never inherited, even when a caller's own safe list names it: who wants it passes it in `Command.env`.
 */
export const CREDENTIAL_NAME_GLOBS: readonly string[] = [
  '*KEY*',
  '*SECRET*',
  '*TOKEN*',
  '*PASSWORD*',
  '*PASSWD*',
  '*PASSPHRASE*',
  '*CREDENTIAL*',
  '*AUTH*',
  '*COOKIE*',
  '*SESSION*',
  '*PRIVATE*',
  '*BEARER*',
  '*JWT*',
  '*_PAT',
  '*_DSN',
  '*CONNECTION_STRING*',
  '*DATABASE_URL*',
];

export type Environment = Readonly<Record<string, string>>;

/** Whether a variable's name looks like that of a credential: see {@link CREDENTIAL_NAME_GLOBS}. */
export function isCredentialName(name: string): boolean {
  return matchesCredential(name);
}

/**
 * The part of `environment` that a child may inherit: the names in `allowed` (globs, case matters), never those that look like a credential's.
 */
export function safeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[] = SAFE_ENVIRONMENT_NAMES,
): Environment {
  const isAllowed = nameMatcher(allowed, false);
  return keepVariables(environment, (name) => isAllowed(name) && !isCredentialName(name));
}

/** `environment` without the variables whose names match one of the globs, whatever their case. */
export function scrubEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  globs: readonly string[],
): Environment {
  const isScrubbed = nameMatcher(globs, true);
  return keepVariables(environment, (name) => !isScrubbed(name));
}

const matchesCredential = nameMatcher(CREDENTIAL_NAME_GLOBS, true);

function nameMatcher(globs: readonly string[], nocase: boolean): (name: string) => boolean {
  if (globs.length === 0) return () => false;
  return picomatch([...globs], { nocase, dot: true });
}

function keepVariables(
  environment: Readonly<Record<string, string | undefined>>,
  keep: (name: string) => boolean,
): Environment {
  const kept: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && keep(name)) kept[name] = value;
  }
  return kept;
}
