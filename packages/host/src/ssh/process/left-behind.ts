import { endMarkedScript } from '../link/guard.ts';
import { isOutage } from '../link/outage.ts';
import { scriptResult } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';

/**
 * Ends what a process that was lost has left on the host, as soon as the host can be reached again. The guard of the broken connection does the same
 * where it learns that the connection is gone.
 */
export async function endLeftBehind(link: SshLink, markerIds: readonly string[]): Promise<void> {
  while (!link.lost.aborted) {
    try {
      const attempt = 'end what a broken connection has left';
      await scriptResult(link, endMarkedScript(markerIds), { attempt, repeatable: true, slow: true });
      return;
    } catch (failure) {
      // Those two come after a wait; any other failure would come again at once.
      if (!isOutage(failure)) return;
    }
  }
}
