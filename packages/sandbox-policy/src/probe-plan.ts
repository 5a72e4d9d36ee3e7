import { type HostPath, hostPath, joinHostPath, parentHostPath } from '@seedbed/host';
import type { ResolvedSandbox } from './bind-policy.ts';
import { accessAt } from './bound-entry.ts';
import { HELD_FOLDER } from './implied-entries.ts';
import type { SandboxCheckSubject } from './sandbox-report.ts';

/** The letters by which the probe's script knows what to do; see `PROBE_SCRIPT`. */
export type ProbeKind = 'w' | 'g' | 'o' | 'p' | 'm' | 's' | 'a' | 'd' | 'n';

/** One thing to try in the sandbox, and how it has to end. */
export interface PlannedCheck {
  readonly kind: ProbeKind;
  readonly path: HostPath;
  readonly subject: SandboxCheckSubject;
  readonly expected: 'allowed' | 'denied';
}

/** Folders below a writable one that Codex itself keeps from being written: who writes there decides what runs outside of the sandbox later. */
const PROTECTED_FOLDERS: readonly string[] = ['.git', '.codex'];

/** What has to be tried to know that a policy holds; without the write outside, whose place the host has yet to offer. Globs are not tried. */
export function planProbe(resolved: ResolvedSandbox): readonly PlannedCheck[] {
  const { binding, entries, network } = resolved;
  const { codexHome, workdir } = binding;
  const plan: PlannedCheck[] = [
    check('w', workdir, 'workdir-write', accessAt(entries, workdir) === 'write'),
    check('n', workdir, 'network', network),
  ];
  for (const entry of entries) {
    if (entry.kind === 'glob' || entry.path === '/' || entry.path === workdir) continue;
    const path = hostPath(entry.path);
    if (entry.setting === HELD_FOLDER) plan.push(check('m', path, 'folder-rename', false));
    else if (entry.access === 'write') plan.push(check('g', path, 'granted-write', true));
    else if (entry.access === 'deny' && path !== codexHome) plan.push(check('d', path, 'denied-read', false));
    else if (entry.access === 'read' && accessAt(entries, parentHostPath(path)) === 'write') {
      plan.push(check('p', path, 'protected-write', false));
    }
  }
  if (accessAt(entries, codexHome) === 'deny') {
    plan.push(check('s', codexHome, 'secret-read', false));
    plan.push(check('a', joinHostPath(codexHome, 'auth.json'), 'secret-read', false));
  }
  if (accessAt(entries, workdir) === 'write') {
    for (const name of PROTECTED_FOLDERS) {
      const path = joinHostPath(workdir, name);
      if (!entries.some((entry) => entry.path === path))
        plan.push(check('p', path, 'protected-write', false));
    }
  }
  return plan;
}

/** Where a canary folder may be made that the policy lets nobody write: the first that the host's user can write is used. */
export function canaryPlaces(resolved: ResolvedSandbox): readonly HostPath[] {
  const { home, tmp, workdir } = resolved.binding;
  const places = [parentHostPath(workdir), home, tmp, hostPath('/var/tmp')];
  return [...new Set(places)].filter((place) => accessAt(resolved.entries, place) !== 'write');
}

function check(
  kind: ProbeKind,
  path: HostPath,
  subject: SandboxCheckSubject,
  allowed: boolean,
): PlannedCheck {
  return { kind, path, subject, expected: allowed ? 'allowed' : 'denied' };
}
