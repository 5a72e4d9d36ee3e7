import { type Host, type HostPath, run } from '@seedbed/host';

// `ls` fails for processes of others and for those that end meanwhile; what it could read is enough.
const linuxScript = 'ls -l /proc/[0-9]*/exe 2>/dev/null; exit 0';
const darwinScript = 'ps -axo comm=';

/** Tells of a folder whether a program that lies below it is running on the host, as far as this user may see. */
export async function runningPrograms(
  host: Host,
  signal: AbortSignal,
): Promise<(folder: HostPath) => boolean> {
  const script = host.platform.os === 'linux' ? linuxScript : darwinScript;
  const { stdout } = await run(host, { argv: ['sh', '-c', script] }, { signal, maxOutputBytes: 8_000_000 });
  return (folder) =>
    stdout.split('\n').some((line) => line.startsWith(`${folder}/`) || line.includes(` -> ${folder}/`));
}
