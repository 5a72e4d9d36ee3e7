import type { SandboxPolicySettings } from './policy-settings.ts';
import { contradiction } from './sandbox-policy-error.ts';

const BYPASS = 'dangerously-bypass-approvals-and-sandbox';
const SIMPLE_SETTINGS = ['mode', 'fsIsolation', 'extraAllowedDirs', 'networkAccess', 'tmpAccess'] as const;

/** Who would confine the agent under these settings, as far as they say so. */
export function profileKind(settings: SandboxPolicySettings): 'managed' | 'disabled' | 'external' {
  if (settings.profile !== undefined) return settings.profile.kind;
  if (settings.mode === 'external') return 'external';
  if (settings.mode === 'danger-full-access' || settings.approvals === BYPASS) return 'disabled';
  return settings.fsIsolation === false ? 'disabled' : 'managed';
}

/** @throws {SandboxPolicyError} `contradiction` when two settings cannot both hold, before anything is looked up on a host. */
export function refuseContradictorySettings(settings: SandboxPolicySettings): void {
  refuseBesideBypass(settings);
  refuseTwoProfiles(settings);
  refuseTwoModes(settings);
  refuseUnenforced(settings);
  refuseWritesWhenReadOnly(settings);
  refuseGateWithoutSandbox(settings);
  refuseEnvironment(settings);
}

function refuseBesideBypass(settings: SandboxPolicySettings): void {
  if (settings.approvals !== BYPASS) return;
  for (const name of [...SIMPLE_SETTINGS, 'profile', 'hideSecrets'] as const) {
    if (settings[name] === undefined) continue;
    throw contradiction(
      `approvals: ${BYPASS}`,
      name,
      'the bypass means that there is no sandbox. Leave one of them out.',
    );
  }
}

function refuseTwoProfiles(settings: SandboxPolicySettings): void {
  const { profile } = settings;
  if (profile === undefined) return;
  for (const name of SIMPLE_SETTINGS) {
    if (settings[name] === undefined) continue;
    throw contradiction(
      'profile',
      name,
      'a profile says all of it. Say it in the profile, or leave the profile out.',
    );
  }
  if (profile.kind === 'managed') return;
  for (const name of ['entries', 'network'] as const) {
    if (profile[name] === undefined) continue;
    throw contradiction(
      `profile.kind: ${profile.kind}`,
      `profile.${name}`,
      'Codex enforces it only under the kind "managed". Leave it out, or use that kind.',
    );
  }
}

function refuseTwoModes(settings: SandboxPolicySettings): void {
  const { fsIsolation, mode } = settings;
  if (fsIsolation === undefined || mode === undefined) return;
  const confines = mode === 'read-only' || mode === 'workspace-write';
  if (fsIsolation === confines) return;
  if (!fsIsolation && mode === 'external') return;
  if (!fsIsolation && mode === 'danger-full-access') return;
  throw contradiction(
    `fsIsolation: ${fsIsolation}`,
    `mode: ${mode}`,
    fsIsolation
      ? 'in that mode Codex isolates nothing. Leave one of them out.'
      : 'that mode is an isolation. Leave one of them out.',
  );
}

/** Nothing that only Codex's own sandbox could enforce may be asked for where there is none. */
function refuseUnenforced(settings: SandboxPolicySettings): void {
  const kind = profileKind(settings);
  if (kind === 'managed') return;
  const reason = unconfinedSetting(settings, kind);
  const why = 'without a sandbox of Codex nothing enforces it. Leave it out, or let Codex confine.';
  if ((settings.extraAllowedDirs ?? []).length > 0) throw contradiction(reason, 'extraAllowedDirs[0]', why);
  if (settings.networkAccess === false) throw contradiction(reason, 'networkAccess: false', why);
  if (settings.networkAccess === true && kind === 'external')
    throw contradiction(reason, 'networkAccess: true', why);
  if (settings.tmpAccess === false) throw contradiction(reason, 'tmpAccess: false', why);
  if (settings.hideSecrets === true) throw contradiction(reason, 'hideSecrets: true', why);
}

function refuseWritesWhenReadOnly(settings: SandboxPolicySettings): void {
  if (settings.mode !== 'read-only') return;
  const why = 'nothing is written in that mode. Use "workspace-write", or grant for reading only.';
  const writable = (settings.extraAllowedDirs ?? []).findIndex(({ mode }) => mode.startsWith('rw'));
  if (writable >= 0) throw contradiction('mode: read-only', `extraAllowedDirs[${writable}]`, why);
  if (settings.tmpAccess === true) throw contradiction('mode: read-only', 'tmpAccess: true', why);
}

/** Codex asks when a command would leave the sandbox. Where there is none, those modes would let everything run unasked. */
function refuseGateWithoutSandbox(settings: SandboxPolicySettings): void {
  const { approvals } = settings;
  if (profileKind(settings) !== 'disabled' || approvals === undefined) return;
  if (approvals === 'untrusted' || approvals === BYPASS) return;
  throw contradiction(
    `approvals: ${approvals}`,
    unconfinedSetting(settings, 'disabled'),
    `without a sandbox there is nothing to ask leave of, and every command would run unasked. Use "untrusted" to be asked, or say "${BYPASS}".`,
  );
}

function refuseEnvironment(settings: SandboxPolicySettings): void {
  const { inherit, exclude = [], includeOnly = [] } = settings.environment ?? {};
  if (inherit === 'none') {
    const why = 'nothing is inherited that it could choose from. Use "set", or inherit "core" or "all".';
    if (includeOnly.length > 0)
      throw contradiction('environment.inherit: none', 'environment.includeOnly', why);
    if (exclude.length > 0) throw contradiction('environment.inherit: none', 'environment.exclude', why);
  }
  const excluded = new Set(exclude.map((pattern) => pattern.toUpperCase()));
  const both = includeOnly.findIndex((pattern) => excluded.has(pattern.toUpperCase()));
  if (both < 0) return;
  throw contradiction(
    `environment.includeOnly[${both}]`,
    'environment.exclude',
    'the same names are both the only ones and left out. Remove them from one of the lists.',
  );
}

function unconfinedSetting(settings: SandboxPolicySettings, kind: 'disabled' | 'external'): string {
  if (settings.profile !== undefined) return `profile.kind: ${kind}`;
  return settings.mode === undefined ? 'fsIsolation: false' : `mode: ${settings.mode}`;
}
