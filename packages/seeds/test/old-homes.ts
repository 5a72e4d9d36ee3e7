import { type Host, type HostPath, joinHostPath, readText } from '@seedbed/host';
import type { Dice } from './dice.ts';
import { loginIn } from './ground.ts';

const MARKER = '.seedbed-seed.json';

/** Homes as they were at some moment, which somebody brings back: from a snapshot, or because they were never removed. */
export interface OldHomes {
  /** Notes what is in a home now. */
  note(host: Host, home: HostPath): Promise<void>;
  /** Puts one of them into a home that is yet to be. */
  bringBack(host: Host, home: HostPath, dice: Dice): Promise<void>;
}

export function createOldHomes(): OldHomes {
  const noted: { readonly login: string; readonly marker: string | undefined }[] = [];
  const textIn = (host: Host, path: HostPath): Promise<string | undefined> =>
    readText(host, path).catch(() => undefined);
  return {
    async note(host, home) {
      const login = await textIn(host, loginIn(home));
      const marker = await textIn(host, joinHostPath(home, MARKER));
      if (login !== undefined) noted.push({ login, marker });
    },
    async bringBack(host, home, dice) {
      const old = noted[Math.floor(dice.upTo(noted.length))];
      if (old === undefined) return;
      await host.makeDirectory(joinHostPath(home, '.agent'));
      await host.writeFile(loginIn(home), old.login);
      if (old.marker !== undefined) await host.writeFile(joinHostPath(home, MARKER), old.marker);
    },
  };
}
