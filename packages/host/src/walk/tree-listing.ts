import { collectBytes } from '../collect-bytes.ts';
import type { PlainExcludes } from '../exclude.ts';
import type { Host } from '../host.ts';
import { HostError, type HostErrorCode } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import type { Command, HostProcess } from '../process.ts';
import { type FactsFormat, LIST_EACH, LISTING_SCRIPT } from './listing-script.ts';
import { createNulFields } from './nul-fields.ts';

export interface ListingOptions {
  /** How many folders deep. */
  readonly maxDepth: number;
  /** Names and paths that are left out with what is below them; no patterns. */
  readonly without: PlainExcludes;
  /** Whether these themselves are listed all the same. */
  readonly listsExcluded: boolean;
  readonly signal?: AbortSignal;
}

/** One entry as the host printed it. */
export interface ListedEntry {
  readonly facts: Buffer;
  readonly name: Buffer;
  readonly target: Buffer;
}

/** How a listing ended: `unsure` when something was left out of it and nothing tells what, `unable` when the host cannot make one. */
export type ListingEnd = 'complete' | 'unsure' | 'unable';

export interface ListingReader {
  readonly begin: (format: FactsFormat) => void;
  readonly take: (entry: ListedEntry) => void;
  /** Whether folders that may not be read have been told of. */
  readonly sawUnreadable: () => boolean;
}

/** A name and what a link says have 4,095 bytes each at the most. */
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Where these come, there is no listing; the file operations say what is wrong. */
const NOT_MEANT_FOR_THE_CALLER: readonly HostErrorCode[] = ['aborted', 'host-lost', 'timeout'];

/**
 * Lists a tree with one command on the host, for one that has a shell and find(1); the reader takes it entry by entry. What the reader throws ends it.
 *
 * @throws {HostError} `aborted`, `host-lost`, `timeout`.
 */
export async function listTree(
  host: Host,
  root: HostPath,
  options: ListingOptions & { readonly reader: ListingReader },
): Promise<ListingEnd> {
  const { signal, reader } = options;
  let process: HostProcess;
  try {
    process = await host.spawn(listingCommand(root, options), signal === undefined ? {} : { signal });
  } catch (failure) {
    if (failure instanceof HostError && !NOT_MEANT_FOR_THE_CALLER.includes(failure.code)) return 'unable';
    throw failure;
  }
  const messages = collectBytes(process.stderr, { maxBytes: MAX_MESSAGE_BYTES, keep: 'beginning' });
  messages.catch(() => undefined);
  try {
    process.stdin.close().catch(() => undefined);
    const isWhole = await readListing(process.stdout, reader);
    const exit = await process.closed;
    if (exit.kind === 'lost') throw exit.cause;
    if (exit.kind === 'exited' && exit.code === 0 && isWhole) return 'complete';
    const { bytes, truncated } = await messages;
    const isExplained = !truncated && explains(Buffer.from(bytes).toString('latin1'), reader.sawUnreadable());
    return exit.kind === 'exited' && exit.code === 1 && isWhole && isExplained ? 'complete' : 'unsure';
  } catch (failure) {
    await letGo(process);
    throw failure;
  }
}

/** Pruned, and then listed like everything else: BusyBox's find has no word for what is always true. */
const BUT_LISTED = ['-o', '-type', 's', '-o', '!', '-type', 's', ')'];

function listingCommand(root: HostPath, { maxDepth, without, listsExcluded }: ListingOptions): Command {
  const tests = [
    ...without.names.map((name) => ['-name', name]),
    ...without.paths.map((path) => ['-path', `./${path}`]),
  ];
  const any = tests.flatMap((test, index) => (index === 0 ? test : ['-o', ...test]));
  const excepted = without.except.flatMap((path) => ['!', '-path', `./${path}`, '!', '-path', `./${path}/*`]);
  const named = ['(', ...any, ')', ...excepted, '-prune'];
  const prune = any.length === 0 ? [] : listsExcluded ? ['(', ...named, ...BUT_LISTED] : [...named, '-o'];
  return {
    argv: ['sh', '-c', LISTING_SCRIPT, 'sh', String(maxDepth), LIST_EACH, ...prune],
    cwd: root,
    env: { LC_ALL: 'C', POSIXLY_CORRECT: undefined },
  };
}

/** Whether the output ended where an entry does. */
async function readListing(output: ReadableStream<Uint8Array>, reader: ListingReader): Promise<boolean> {
  const fields = createNulFields();
  let isFirst = true;
  let waiting: Buffer[] = [];
  for await (const chunk of output) {
    for (const field of fields.take(chunk)) {
      if (isFirst) {
        isFirst = false;
        reader.begin(field.toString('latin1') === 'find' ? 'find' : 'stat');
        continue;
      }
      waiting.push(field);
      const [facts, name, target] = waiting;
      if (facts === undefined || name === undefined || target === undefined) continue;
      reader.take({ facts, name, target });
      waiting = [];
    }
    // Of no use, and it might never end.
    if (fields.rest > MAX_FIELD_BYTES) return false;
  }
  return !isFirst && waiting.length === 0 && fields.rest === 0;
}

/**
 * Whether find complained of nothing but what is known: entries that disappeared, and folders that may not be read. Each message ends with the reason, whatever
 * the name in it; that a name can hold line breaks only makes more lines that explain nothing.
 */
function explains(messages: string, sawUnreadable: boolean): boolean {
  return messages
    .split('\n')
    .every(
      (line) =>
        line === '' ||
        line.endsWith(': No such file or directory') ||
        (sawUnreadable && line.endsWith(': Permission denied')),
    );
}

/** That it could not be ended is a smaller failure than the one that is on its way to the caller. */
async function letGo(process: HostProcess): Promise<void> {
  try {
    await process.end({ from: 'kill' });
    await process[Symbol.asyncDispose]();
  } catch {}
}
