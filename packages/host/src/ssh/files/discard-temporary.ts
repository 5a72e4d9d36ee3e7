import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { shellWord } from '../../shell-quoting.ts';
import { scriptOutput } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';

/**
 * Removes the temporary file of a write that nobody can finish any more, as soon as the host can be reached. The write's own script does it too, but only
 * when the host learns that the connection is gone.
 */
export async function discardTemporary(link: SshLink, temporary: HostPath): Promise<void> {
  const attempt = `remove ${temporary}`;
  while (!link.lost.aborted) {
    try {
      await scriptOutput(link, `rm -f ${shellWord(temporary)}`, { attempt, repeatable: true });
      return;
    } catch (failure) {
      // Those two come after a wait; any other failure would come again at once.
      if (!(failure instanceof HostError) || !['host-lost', 'timeout'].includes(failure.code)) return;
    }
  }
}
