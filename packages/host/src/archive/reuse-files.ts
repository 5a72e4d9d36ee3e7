import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../host-path.ts';
import { type Ask, type BatchBounds, type Located, placeOf, rangesOf } from '../sender/asks.ts';
import { type Answer, type Answers, exchange } from '../sender/exchange.ts';
import { shellWord } from '../shell-quoting.ts';

/** Files that are there already, in another folder of the host. */
export interface ReusedFiles {
  /** Need not be trusted: what links in it lead to is not taken. */
  readonly from: HostPath;
  /** Paths of regular files from there, without a leading slash; they are placed at the same paths. */
  readonly files: Iterable<string>;
}

const BOUNDS: BatchBounds<Located> = { weigh: () => 1, maxWeight: 256, maxFiles: 256 };

/**
 * Places files of another folder below `folder`, with the folders that they need: as hard links, or as copies where the file system refuses. Modes and times
 * are those that the files have.
 *
 * @throws {HostError} `not-found` when one is not there, or is no regular file of that folder; `no-space`, `permission-denied`, `io`.
 */
export async function placeReusedFiles(
  host: HostFiles | Host,
  folder: HostPath,
  { from, files, signal }: ReusedFiles & { readonly signal: AbortSignal | undefined },
): Promise<void> {
  const wanted = (async function* (): AsyncGenerator<Located, void, undefined> {
    for (const relativePath of files) yield { relativePath };
  })();
  const byOperations = (rest: AsyncIterable<Located>): AsyncIterable<void> =>
    placeByOperations(host, folder, { from, files: rest });
  const placing =
    'spawn' in host
      ? exchange(host, from, {
          attempt: `reuse files of ${from}`,
          files: wanted,
          bounds: BOUNDS,
          script: { functions: `stage=${shellWord(folder)}\n${PLACING_SCRIPT}`, command: placingCommand },
          answers: (answer) => placingAnswers(answer, from),
          otherwise: byOperations,
          ...(signal && { signal }),
        })
      : byOperations(wanted);
  for await (const _ of placing);
}

/**
 * `L` links files of the folder $1, or copies them; its answer is `0`; or the first that could not be had, behind `1` when it is no file and `2`
 * when the host would not link or copy it. What has been linked cannot change its kind
 * any more: so it is looked at afterwards whether it is a file. What is copied is opened first.
 */
const PLACING_SCRIPT = `
have() { [ -f "$d/$1" ] && [ ! -L "$d/$1" ]; }
place() {
  ln "$1" "$d/"
  if [ -e "$d/$1" ] || [ -L "$d/$1" ]; then
    have "$1"
    return
  fi
  [ -f "$1" ] || return 1
  { really "$1" && cp -p /proc/self/fd/3 "$d/$1"; } 3<"$1"
}
L() {
  d=$stage$1
  mkdir -p "$d/"
  if enter "$1"; then
    shift
    ln "$@" "$d/"
    for n; do
      have "$n" || { [ ! -L "$d/$n" ] && place "$n"; } || {
        if plain "$n"; then no 2 "$n"; else no 1 "$n"; fi
        return
      }
    done
    m 0
  else
    no 1 "$2"
  fi
}
no() {
  m "$1"
  printf '%s' "$2"
  m e
}
`;

function placingCommand(ask: Ask<Located>): string {
  const places = rangesOf(ask).map(placeOf);
  return `L ${[places[0]?.folder ?? '', ...places.map(({ name }) => name)].map(shellWord).join(' ')}\n`;
}

function placingAnswers(answer: Answer, from: HostPath): Answers<Located, void> {
  const answered = async (ranges: readonly Located[]): Promise<void> => {
    const letter = await answer.mark('012');
    if (letter === '0') return;
    const said = Buffer.concat(await Array.fromAsync(answer.content())).toString('latin1');
    await answer.mark('e');
    const bytes = (range: Located): string => Buffer.from(placeOf(range).name).toString('latin1');
    const path = ranges.find((range) => bytes(range) === said)?.relativePath ?? said;
    throw letter === '1' ? notThere(from, path) : notTaken(from, path);
  };
  return {
    // biome-ignore lint/correctness/useYield: that it is done is all.
    async *single(range) {
      await answered([range]);
    },
    // biome-ignore lint/correctness/useYield: that it is done is all.
    async *batch({ ranges }) {
      await answered(ranges);
      return true;
    },
  };
}

function notThere(from: HostPath, relativePath: string): HostError {
  const name = JSON.stringify(relativePath);
  return new HostError('not-found', `Could not reuse ${name} of ${from}: there is no such file.`);
}

function notTaken(from: HostPath, relativePath: string): HostError {
  const name = JSON.stringify(relativePath);
  return new HostError('io', `Could not reuse ${name} of ${from}: the host neither linked nor copied it.`);
}

// biome-ignore lint/correctness/useYield: that it is done is all.
async function* placeByOperations(
  host: HostFiles,
  folder: HostPath,
  { from, files }: { readonly from: HostPath; readonly files: AsyncIterable<Located> },
): AsyncGenerator<void, void, undefined> {
  const root = await host.canonicalize(from);
  for await (const { relativePath } of files) {
    const [source, target] = [joinHostPath(root, relativePath), joinHostPath(folder, relativePath)];
    await host.makeDirectory(parentHostPath(target));
    const stat = await host.stat(source);
    if (stat?.kind !== 'file' || (await host.canonicalize(source)) !== source)
      throw notThere(from, relativePath);
    try {
      await host.link(target, source, { hard: true });
    } catch {
      await host.writeFile(target, await host.readFile(source), { mode: stat.mode });
      await host.setModified(target, stat.modifiedMs);
    }
    if ((await host.stat(target))?.kind !== 'file') throw notThere(from, relativePath);
  }
}
