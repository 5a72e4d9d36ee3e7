import { type HostPath, hostPath, relativeHostPath } from '@seedbed/host';
import type { SandboxBinding } from './bind-policy.ts';
import type { BoundEntry } from './bound-entry.ts';
import { type CodexConfinement, isSimpleGlob } from './codex-version.ts';
import { holdsGlobCharacters } from './policy-entry.ts';
import { contradiction, SandboxPolicyError } from './sandbox-policy-error.ts';

/** @throws {SandboxPolicyError} `unsupported-by-version` for a path or glob that Codex would understand differently. */
export function refuseInexpressible(
  entries: readonly BoundEntry[],
  binding: SandboxBinding,
  { anyGlob }: CodexConfinement,
): void {
  const named: [string, string][] = entries
    .filter(({ kind }) => kind === 'path')
    .map((e) => [e.setting, e.path]);
  named.push(['workdir', binding.workdir], ['codexHome', binding.codexHome]);
  if (binding.taskHome !== undefined) named.push(['taskHome', binding.taskHome]);
  if (binding.taskTmp !== undefined) named.push(['taskTmp', binding.taskTmp]);
  if (binding.codexTree !== undefined) named.push(['codexTree', binding.codexTree]);
  for (const path of binding.unreachable ?? []) named.push(['unreachable', path]);
  for (const [setting, path] of named) {
    if (holdsGlobCharacters(path)) {
      throw unsupported(
        setting,
        binding,
        `takes ${JSON.stringify(path)} for a glob, because of a *, ?, [ or ] in it. Rename the folder`,
      );
    }
    if (/\p{Surrogate}/u.test(path)) {
      throw unsupported(setting, binding, 'cannot be told a path that is not UTF-8. Rename the folder');
    }
  }
  for (const { kind, path, setting } of entries) {
    if (kind === 'path' || anyGlob || isSimpleGlob(path)) continue;
    throw unsupported(
      setting,
      binding,
      `does not enforce ${JSON.stringify(path)}: it knows only globs in the last part of a path, or behind one "**". Name the folders, or use a newer version`,
    );
  }
}

/** @throws {SandboxPolicyError} `contradiction` between two settings that meet on this host. */
export function refuseBoundContradictions(entries: readonly BoundEntry[], binding: SandboxBinding): void {
  refuseOnePathTwice(entries);
  const paths = entries.filter(({ kind }) => kind === 'path');
  const denied = paths.filter(({ access }) => access === 'deny');
  for (const deny of denied) refuseHiddenWorkdir(deny, binding);
  for (const glob of entries) if (glob.kind === 'glob') refuseGlobOverWorkdir(glob, binding);
  for (const grant of paths) {
    if (grant.access === 'deny') continue;
    refuseGrantInsideDeny(grant, denied);
    refuseUnreachableGrant(grant, binding);
    if (grant.access === 'write') refuseWideGrant(grant, binding);
  }
  refuseHiddenReadOnlyWorkdir(paths, binding);
}

function refuseOnePathTwice(entries: readonly BoundEntry[]): void {
  const seen = new Map<string, BoundEntry>();
  for (const entry of entries) {
    const key = `${entry.kind}\0${entry.path}`;
    const earlier = seen.get(key);
    if (earlier !== undefined && earlier.access !== entry.access) {
      throw contradiction(
        earlier.setting,
        entry.setting,
        `on this host both are ${entry.path}, once with ${earlier.access} and once with ${entry.access}. Leave one of them out.`,
      );
    }
    seen.set(key, entry);
  }
}

function refuseHiddenWorkdir(deny: BoundEntry, { workdir }: SandboxBinding): void {
  if (!contains(deny.path, workdir)) return;
  throw contradiction(
    deny.setting,
    'workdir',
    `hiding ${deny.path} hides the workdir ${workdir}, in which the agent works. Deny less.`,
  );
}

function refuseGlobOverWorkdir(glob: BoundEntry, { workdir }: SandboxBinding): void {
  const everythingBelow = /^([^*?[\]]*)\/\*\*(?:\/\*)?$/.exec(glob.path)?.[1];
  if (everythingBelow === undefined || !contains(everythingBelow || '/', workdir)) return;
  throw contradiction(
    glob.setting,
    'workdir',
    `the glob ${glob.path} hides every file of the workdir ${workdir}. Deny less.`,
  );
}

function refuseGrantInsideDeny(grant: BoundEntry, denied: readonly BoundEntry[]): void {
  for (const deny of denied) {
    if (grant.path === deny.path || !contains(deny.path, grant.path)) continue;
    throw contradiction(
      grant.setting,
      deny.setting,
      `${grant.path} lies in ${deny.path}, which is denied. Deny less, or leave the grant out.`,
    );
  }
}

function refuseUnreachableGrant(
  grant: BoundEntry,
  { taskTmp, unreachable = [], workdir }: SandboxBinding,
): void {
  const own = [workdir, ...(taskTmp === undefined ? [] : [taskTmp])];
  for (const path of unreachable) {
    if (!contains(path, grant.path)) continue;
    if (own.some((folder) => contains(path, folder) && contains(folder, grant.path))) continue;
    throw contradiction(
      grant.setting,
      'unreachable',
      `${grant.path} lies in ${path}, which is kept from every task. Leave the grant out.`,
    );
  }
}

/** A grant must hold neither the task's own folder nor its secrets, nor lie among them. */
function refuseWideGrant(grant: BoundEntry, { codexHome, workdir }: SandboxBinding): void {
  if (grant.path === workdir) return;
  if (contains(grant.path, workdir)) {
    throw contradiction(
      grant.setting,
      'workdir',
      `${grant.path} holds the workdir ${workdir} and what lies beside it, such as other tasks. Grant a folder of its own.`,
    );
  }
  if (contains(grant.path, codexHome) || contains(codexHome, grant.path)) {
    throw contradiction(
      grant.setting,
      'codexHome',
      `${grant.path} reaches into CODEX_HOME, ${codexHome}: whoever writes there decides what the next session runs. Grant another folder.`,
    );
  }
}

/** Codex reopens a part of a denied folder for writing only. */
function refuseHiddenReadOnlyWorkdir(paths: readonly BoundEntry[], binding: SandboxBinding): void {
  const { unreachable = [], workdir } = binding;
  const around = unreachable.find((path) => contains(path, workdir));
  if (around === undefined || paths.some(({ access, path }) => access === 'write' && path === workdir))
    return;
  throw unsupported(
    'unreachable',
    binding,
    `cannot hide ${around} and leave the workdir ${workdir} in it for reading only. Put the workdir elsewhere, or let it be written`,
  );
}

function contains(folder: string, path: HostPath | string): boolean {
  return relativeHostPath(hostPath(folder), hostPath(path)) !== undefined;
}

function unsupported(setting: string, { codexVersion }: SandboxBinding, what: string): SandboxPolicyError {
  return new SandboxPolicyError(
    'unsupported-by-version',
    `\`${setting}\` of the sandbox policy: Codex ${codexVersion} ${what}.`,
  );
}
