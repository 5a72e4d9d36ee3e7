import { HostError, hostPath } from '@seedbed/host';
import type { FileAccess, PolicyEntry, PolicySymbol } from './policy.ts';
import type { EntrySetting } from './policy-settings.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** The characters that Codex takes for a glob wherever it meets them in a path. */
const GLOB_CHARACTERS = /[*?[\]]/;
/** What other globs know and Codex's do not: taking them literally would hide less than the caller thinks. */
const FOREIGN_GLOB_CHARACTERS = /[{}!\\]/;

/** Whether Codex would read `text` as a glob, whatever was meant by it. */
export function holdsGlobCharacters(text: string): boolean {
  return GLOB_CHARACTERS.test(text);
}

/** The canonical entry that a caller's entry means. @throws {SandboxPolicyError} `invalid-policy`. */
export function parsePolicyEntry(entry: EntrySetting, setting: string): PolicyEntry {
  const { access } = entry;
  if ('symbol' in entry) {
    const path = entry.subpath === undefined ? '' : relativePath(entry.subpath, setting);
    return { access, kind: 'path', base: entry.symbol, path, setting };
  }
  if ('path' in entry) return pathEntry(access, entry.path, setting);
  return globEntry(access, entry.glob, setting);
}

/** An entry on a path as people write it: absolute, or below `~`. */
export function pathEntry(access: FileAccess, text: string, setting: string): PolicyEntry {
  const { base, rest } = splitBase(text);
  if (base === ':workdir') {
    throw invalid(
      setting,
      `${JSON.stringify(text)} is not absolute. Write the whole path, or use the symbol ":workdir"`,
    );
  }
  return { access, kind: 'path', base, path: relativePath(rest, setting), setting };
}

function globEntry(access: FileAccess, text: string, setting: string): PolicyEntry {
  const subtree = text.endsWith('/**') ? text.slice(0, -'/**'.length) : undefined;
  if (access !== 'deny') {
    // Codex knows one glob that gives something: a whole subtree, which is the same as the folder's path.
    if (subtree !== undefined && !holdsGlobCharacters(subtree))
      return pathEntry(access, subtree || '/', setting);
    throw invalid(setting, `a glob can only be denied, not given ${access} access. Name the folder instead`);
  }
  if (FOREIGN_GLOB_CHARACTERS.test(text)) {
    throw invalid(
      setting,
      `the glob ${JSON.stringify(text)} holds one of { } ! \\, which Codex would take literally`,
    );
  }
  if (!holdsGlobCharacters(text)) {
    throw invalid(setting, `${JSON.stringify(text)} is no glob. Give it as a path`);
  }
  const { base, rest } = splitBase(text);
  return { access, kind: 'glob', base, path: relativePath(rest, setting), setting };
}

/** What a text starts from: `/`, `~/`, or (only globs may) nothing. */
function splitBase(text: string): { readonly base: PolicySymbol; readonly rest: string } {
  if (text.startsWith('/')) return { base: ':root', rest: text.slice(1) };
  if (text === '~') return { base: ':home', rest: '' };
  if (text.startsWith('~/')) return { base: ':home', rest: text.slice(2) };
  return { base: ':workdir', rest: text };
}

/** Normalises a path below a base. Climbing above the base is refused. */
function relativePath(text: string, setting: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw invalid(setting, 'the path holds bytes that are not UTF-8, which Codex cannot be told');
  }
  let depth = 0;
  for (const segment of text.split('/')) {
    if (segment === '..') depth -= 1;
    else if (segment !== '' && segment !== '.') depth += 1;
    if (depth < 0) throw invalid(setting, `${JSON.stringify(text)} climbs above where it starts`);
  }
  try {
    return hostPath(`/${text}`).slice(1);
  } catch (cause) {
    if (cause instanceof HostError) throw invalid(setting, cause.message.replace(/\.$/, ''), cause);
    throw cause;
  }
}

function invalid(setting: string, why: string, cause?: unknown): SandboxPolicyError {
  return new SandboxPolicyError(
    'invalid-policy',
    `The sandbox policy's \`${setting}\` cannot be used: ${why}.`,
    cause === undefined ? {} : { cause },
  );
}
