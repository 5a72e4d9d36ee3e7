import type { Host } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { encodeHostPathBytes } from '../host-path-bytes.ts';
import type { SafeEntry } from './archive-guard.ts';
import { encodeArchive } from './encode-archive.ts';
import type { SafeReading } from './extract-by-files.ts';
import { PLAIN_LOCALE, runUnpacking, type UnpackingCommand } from './host-tar.ts';

const OPEN_FOLDER = 0o700;

/**
 * Unpacks entries into a folder with BusyBox's tar. It gives a folder its mode and time before it puts anything into it, and links no time at all:
 * so folders are open at first, and a second command sets what is left, the deepest folders first. Times are whole seconds.
 */
export async function extractWithBusybox(
  host: Host,
  folder: HostPath,
  readings: AsyncIterable<SafeReading>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const late: SafeEntry[] = [];
  const noting = async function* (): AsyncGenerator<SafeReading, void, undefined> {
    for await (const reading of readings) {
      const { entry } = reading;
      if (entry.kind === 'directory' || entry.kind === 'symlink') late.push(entry);
      if (entry.name !== '') yield reading;
    }
  };
  const archive = encodeArchive(noting(), (entry) =>
    entry.kind === 'directory' ? { ...entry, mode: OPEN_FOLDER } : entry,
  );
  const tar: UnpackingCommand = { argv: ['tar', 'x', '-o', '-f', '-'], cwd: folder, env: PLAIN_LOCALE };
  await runUnpacking(host, tar, { input: archive, signal });
  if (late.length === 0) return;
  const set: UnpackingCommand = {
    argv: ['xargs', '-0', 'sh', '-c', SET_EACH, 'sh'],
    cwd: folder,
    env: PLAIN_LOCALE,
  };
  await runUnpacking(host, set, { input: ReadableStream.from(settings(late)), signal });
}

/** Each argument is a mode, or `-` for a link, a time in seconds, and a name. */
const SET_EACH = `
for one; do
  mode=\${one%% *} one=\${one#* }
  time=\${one%% *} name=\${one#* }
  touch -chm -d "@$time" "$name" || exit 1
  [ "$mode" = - ] || chmod "$mode" "$name" || exit 1
done`;

function* settings(late: readonly SafeEntry[]): Generator<Uint8Array> {
  for (const { kind, name, mode, modifiedMs } of late.toReversed()) {
    // Five digits also take away what is not named: four would leave a folder its setgid bit.
    const digits = kind === 'symlink' ? '-' : mode.toString(8).padStart(5, '0');
    yield encodeHostPathBytes(`${digits} ${Math.floor(modifiedMs / 1_000)} ./${name}\0`);
  }
}
