import { DEFAULT_EXCLUDE } from '@seedbed/snapshots';

/**
 * What is left out of a Codex task's snapshots unless the caller says otherwise: what can be made again, what means something on its own host only,
 * and the login, which comes back from the seed or the caller, never from a snapshot.
 */
export const CODEX_SNAPSHOT_EXCLUDE: readonly string[] = [
  ...DEFAULT_EXCLUDE,
  'home/.seedbed',
  'home/.codex/auth.json',
  'home/.codex/auth.json.seedbed-collected',
  'home/.codex/*.sqlite*',
  'home/.codex/.tmp',
  'home/.codex/cache',
  'home/.codex/installation_id',
  'home/.codex/link-*',
  'home/.codex/log',
  'home/.codex/models_cache.json',
  'home/.codex/packages',
  'home/.codex/seedbed-events.jsonl',
  'home/.codex/shell_snapshots',
  'home/.codex/thread-writer-locks',
  'home/.codex/tmp',
  'home/.codex/version.json',
];

/** Without these a thread cannot be resumed. */
export const CODEX_SNAPSHOT_REQUIRED: readonly string[] = ['home/.codex/sessions'];

/** Never in a snapshot, whatever the caller's list says: secrets, and marks that hold on one host only. */
export const CODEX_SNAPSHOT_NEVER: readonly string[] = [
  'home/.seedbed',
  'home/.codex/auth.json',
  'home/.codex/auth.json.seedbed-collected',
  'home/.codex/*.sqlite*',
  'home/.codex/link-*',
  'home/.codex/seedbed-events.jsonl',
];
