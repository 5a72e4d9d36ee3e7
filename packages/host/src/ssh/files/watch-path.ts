import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { openScript } from '../link/remote-script.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { pathWord } from './path-word.ts';

/** How often the host looks, in seconds. */
const LOOK_SECONDS = '0.2';

/**
 * See `Host.watch`. One command on the host looks again and again and tells of changes: nothing passes over the link while there are none. It ends with the
 * channel. After a broken connection the path is watched anew, and counts as changed: what happened meanwhile was not seen.
 */
export async function* watchRemotePath(
  link: SshLink,
  path: HostPath,
  signal: AbortSignal,
): AsyncGenerator<void, void, undefined> {
  while (!signal.aborted) {
    const script = await openScript(link, watchScript(path), { attempt: `watch ${path}`, repeatable: true });
    const { channel, stdout, stderr, exit } = script;
    stderr.stream.cancel().catch(() => undefined);
    const reader = stdout.stream.getReader();
    const stopped = Promise.withResolvers<undefined>();
    const onAbort = (): void => stopped.resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      for (;;) {
        yield;
        const item = await Promise.race([nextChange(reader), stopped.promise]);
        if (item === undefined || signal.aborted) return;
        if (item === 'ended') break;
      }
      const ended = await exit;
      if (ended.kind !== 'lost') throw watchFailure(path);
    } finally {
      signal.removeEventListener('abort', onAbort);
      channel.end();
      reader.cancel().catch(() => undefined);
    }
  }
}

async function nextChange(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<'changed' | 'ended'> {
  try {
    return (await reader.read()).done ? 'ended' : 'changed';
  } catch {
    // How it ended says whether the link was at fault.
    return 'ended';
  }
}

function watchFailure(path: HostPath): HostError {
  return new HostError(
    'io',
    `Could not watch ${path} any longer: somebody ended the command that does it on the host.`,
  );
}

/** The path, and the folder that holds it. The look before `say` is the one that later ones are compared with. */
function watchScript(path: HostPath): string {
  const file = pathWord(path);
  return [
    // The times of a file change when it does, those of a folder with its entries.
    `look() { stat -L -c '%d:%i %s %f %y %z' ${file} 2>/dev/null; }`,
    's=$(look)',
    'say ok',
    // Ends with its input, which ends with the channel; in the background that has to be another descriptor.
    'exec 3<&0',
    '(cat <&3 >/dev/null; kill "$$" 2>/dev/null) &',
    `while sleep ${LOOK_SECONDS}; do n=$(look); if [ "$n" != "$s" ]; then s=$n; echo; fi; done`,
  ].join('\n');
}
