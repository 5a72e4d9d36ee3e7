import { type Host, type HostPath, run } from '@seedbed/host';
import { throwIfLost } from './host-command.ts';

// `ls` fails for processes of others and for those that end meanwhile; what it could read is enough.
const linuxScript = 'ls -l /proc/[0-9]*/exe 2>/dev/null; exit 0';
const darwinScript = 'ps -axo comm=';

/** Tells of a folder whether a program that lies below it is running on the host, as far as this user may see. */
export async function runningPrograms(
  host: Host,
  signal: AbortSignal,
): Promise<(folder: HostPath) => boolean> {
  const script = host.platform.os === 'linux' ? linuxScript : darwinScript;
  const result = await run(host, { argv: ['sh', '-c', script] }, { signal, maxOutputBytes: 8_000_000 });
  throwIfLost(result, 'Looking for running programs');
  const lines = result.stdout.split('\n');
  return (folder) => lines.some((line) => line.startsWith(`${folder}/`) || line.includes(` -> ${folder}/`));
}
