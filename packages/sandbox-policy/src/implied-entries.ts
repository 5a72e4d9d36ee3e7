import { type HostPath, hostPath, joinHostPath, parentHostPath } from '@seedbed/host';
import type { SandboxBinding } from './bind-policy.ts';
import { accessAt, type BoundEntry, grantsRoot, nearestEntry } from './bound-entry.ts';
import type { FileAccess } from './policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** The `setting` of an entry that gives nothing new: it only keeps a folder where it is. */
export const HELD_FOLDER = 'held folder';

/**
 * What shells and git read in a home before they do anything. An approved command reads them outside of the sandbox,
 * so that whoever writes them needs one harmless approval to run what they like.
 */
const START_UP_FILES: readonly string[] = [
  '.bash_login',
  '.bash_profile',
  '.bashrc',
  '.config/git',
  '.gitconfig',
  '.profile',
  '.zlogin',
  '.zprofile',
  '.zshenv',
  '.zshrc',
];

/** What every managed policy has on this host without being asked. */
export function impliedEntries(asked: readonly BoundEntry[], binding: SandboxBinding): readonly BoundEntry[] {
  const implied: BoundEntry[] = [];
  const add = (access: FileAccess, path: HostPath, setting: string): void => {
    if ([...asked, ...implied].some((entry) => entry.kind === 'path' && entry.path === path)) return;
    implied.push({ access, kind: 'path', path, setting });
  };
  const { codexHome, codexTree, taskHome, taskTmp, unreachable = [], workdir } = binding;
  for (const path of unreachable) add('deny', path, 'unreachable');
  const writesWorkdir = accessAt(asked, workdir) === 'write';
  if (taskTmp !== undefined && writesWorkdir && accessAt(asked, taskTmp) !== 'write') {
    add('write', taskTmp, 'taskTmp');
  }
  // Whoever writes there decides what the next session runs, and without a sandbox.
  if (accessAt(asked, codexHome) === 'write') add('read', codexHome, 'codexHome');
  if (taskHome !== undefined && accessAt(asked, taskHome) === 'write') {
    for (const name of START_UP_FILES) add('read', joinHostPath(taskHome, name), 'taskHome');
  }
  if (!grantsRoot(asked)) add('read', requireCodexTree(codexTree), 'codexTree');
  return [...implied, ...heldFolders([...asked, ...implied])];
}

/**
 * A path is closed under its name: renaming a folder around it would open it for the next command, and let another take its place.
 * Codex mounts every entry, and what is mounted cannot be renamed; so each folder between a writable one and what is closed in it gets an entry, too.
 */
function heldFolders(entries: readonly BoundEntry[]): readonly BoundEntry[] {
  const held = new Map<string, BoundEntry>();
  for (const { access, kind, path } of entries) {
    if (kind === 'glob' || access === 'write' || path === '/') continue;
    let folder = parentHostPath(hostPath(path));
    const around = nearestEntry(entries, folder);
    if (around?.access !== 'write') continue;
    for (; folder !== around.path; folder = parentHostPath(folder)) {
      held.set(folder, { access: 'write', kind: 'path', path: folder, setting: HELD_FOLDER });
    }
  }
  return [...held.values()];
}

function requireCodexTree(codexTree: HostPath | undefined): HostPath {
  if (codexTree !== undefined) return codexTree;
  throw new SandboxPolicyError(
    'invalid-policy',
    'A profile that does not read the symbol ":root" needs `codexTree`, the folder of Codex\'s binary: Codex itself runs inside the sandbox. Give it, or let the profile read ":root".',
  );
}
