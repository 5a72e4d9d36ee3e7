import { SeedError } from './seed-error.ts';

/** What a timer of Node takes: nearly 25 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Durations by their names, in milliseconds. @throws {SeedError} `invalid-config` for what is no number, or none between `least` and `most`. */
export function requireDuration(
  settings: Readonly<Record<string, number | undefined>>,
  { least = 0, most = LONGEST_TIMER_MS }: { readonly least?: number; readonly most?: number } = {},
): void {
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || (typeof value === 'number' && value >= least && value <= most)) continue;
    throw new SeedError(
      'invalid-config',
      `${name} must be a number of milliseconds from ${least} to ${most}, got ${value}.`,
    );
  }
}

/** Paths of this machine by their names. @throws {SeedError} `invalid-config` for one that begins with `~`: shells expand that, and nothing else does. */
export function refuseTilde(settings: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(settings)) {
    if (!path.startsWith('~')) continue;
    throw new SeedError(
      'invalid-config',
      `${name} cannot be ${JSON.stringify(path)}: "~" is not expanded. Join os.homedir() and the rest; write "./~" for what is really called so.`,
    );
  }
}
