import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinaryProgress } from './binary-source.ts';
import type { CacheLayout } from './cache-layout.ts';
import { openDialogue } from './host-dialogue.ts';
import { type Integrity, integrityHex } from './integrity.ts';
import { landingScript } from './landing-script.ts';

/**
 * The place on a host where an archive arrives in pieces. It belongs to one program at a time, until its disposal, its death or the loss of its link; what has
 * arrived stays there for the next. Every method rejects with a `BinaryCacheError`; those that tell `taken` say that another program, which could not know that this
 * one lives, goes on in its place.
 */
export interface Landing extends AsyncDisposable {
  /** Bytes that are there. */
  readonly size: number;
  /** Appends so many bytes. */
  take(count: number, bytes: AsyncIterable<Uint8Array>): Promise<'done' | 'taken'>;
  /** Lets the host fetch the rest from an address, which no process list there shows where it has curl. */
  fetch(options: FetchOptions): Promise<Fetched | 'taken'>;
  /** Has the host compare the digest of the whole. Where it is right, the whole archive is at the place that was agreed. */
  keep(): Promise<Kept | 'taken'>;
  restart(): Promise<'done' | 'taken'>;
  /** Nobody needs it any more. */
  finish(): Promise<void>;
}

export interface FetchOptions {
  readonly url: string;
  readonly connectSeconds: number;
  readonly maxBytes: number;
  readonly report: (bytes: number) => void;
}

export interface Fetched {
  /** Of the tool that fetched: 0 for success. */
  readonly code: number;
  /** What it said, for people. */
  readonly said: string;
}

export type Kept =
  | { readonly kind: 'right' }
  /** `gzip`: it begins as a compressed archive does. */
  | { readonly kind: 'wrong'; readonly gzip: boolean };

export interface LandingOptions {
  readonly layout: CacheLayout;
  readonly integrity: Integrity;
  /** A random word, the same for as long as one program tries to get one binary onto one host. */
  readonly holder: string;
  /** The name of the entry that is to be made: when it comes or changes while another program holds the place, waiting is over. */
  readonly entry: string;
  /** Where a kept archive is put. */
  readonly archive: HostPath;
  readonly signal: AbortSignal;
  readonly report: (progress: BinaryProgress) => void;
  readonly patience?: LandingPatience;
}

/** For how long, in seconds, a holder may make no headway before another program takes its place. */
export interface LandingPatience {
  /** One whose process is seen on the host: it may be unpacking. */
  readonly living: number;
  /** One that is dead, or lives where it cannot be seen. */
  readonly unknown: number;
}

const defaultPatience: LandingPatience = { living: 15 * 60, unknown: 5 };
const looksPerSecond = 5;
/** What is computed on the host in silence, on a slow disk. */
const silenceMs = 5 * 60_000;
const partName = /^[0-9a-f]{128}\.(?:part|lock)(?:\.[0-9a-z.]+)?$/;

/** Whether a landing has made a file of this name. */
export function isLandingName(name: string): boolean {
  return partName.test(name);
}

/** Where the bytes of an archive gather. */
export function partPath(layout: CacheLayout, integrity: Integrity): HostPath {
  return joinHostPath(layout.incoming, `${integrityHex(integrity)}.part`);
}

/** Waits until no other program brings the same archive to this host. `undefined` when one has, and the entry is there. */
export async function openLanding(host: Host, options: LandingOptions): Promise<Landing | undefined> {
  const { layout, integrity, holder, entry, archive, signal, report, patience = defaultPatience } = options;
  const looks = [patience.living, patience.unknown].map((seconds) =>
    String(Math.ceil(seconds * looksPerSecond)),
  );
  const argv = ['sh', '-c', landingScript, 'sh', layout.incoming, integrityHex(integrity), holder] as const;
  const dialogue = await openDialogue(
    host,
    { argv: [...argv, joinHostPath(layout.entries, entry), archive, ...looks], env: { LC_ALL: 'C' } },
    { doing: 'Bringing the archive to the host', signal, silenceMs },
  );
  await using resources = new AsyncDisposableStack();
  resources.use(dialogue);
  let line = await dialogue.hear();
  while (words(line, 'wait') !== undefined) {
    report({ phase: 'wait', bytes: countIn(line, 'wait') });
    line = await dialogue.hear();
  }
  if (line === 'entered') return undefined;
  let size = countIn(line, 'have');
  const owned = resources.move();
  const heard = async (): Promise<'done' | 'taken'> => {
    const answer = await dialogue.hear();
    if (answer === 'taken') return 'taken';
    size = countIn(answer, 'have');
    return 'done';
  };
  return {
    get size() {
      return size;
    },
    async take(count, bytes) {
      await dialogue.tell(`take ${count}\n`);
      for await (const chunk of bytes) await dialogue.tell(chunk);
      return await heard();
    },
    async fetch({ url, connectSeconds, maxBytes, report: advance }) {
      await dialogue.tell(`fetch ${connectSeconds} ${maxBytes} ${url}\n`);
      for (;;) {
        const answer = await dialogue.hear();
        if (answer === 'taken') return 'taken';
        const [code, bytes, ...said] = words(answer, 'fetched') ?? [];
        size = code === undefined ? countIn(answer, 'at') : count(bytes, answer);
        advance(size);
        if (code !== undefined) return { code: count(code, answer), said: said.join(' ').trim() };
      }
    },
    async keep() {
      await dialogue.tell('keep\n');
      const answer = await dialogue.hear();
      if (answer === 'taken') return 'taken';
      if (answer === 'kept') return { kind: 'right' };
      const beginning = words(answer, 'other');
      if (beginning === undefined) throw unheardOf(answer);
      return { kind: 'wrong', gzip: beginning[0] === '1f8b' };
    },
    async restart() {
      await dialogue.tell('restart\n');
      return await heard();
    },
    async finish() {
      await dialogue.tell('finish\n');
      await owned.disposeAsync();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function words(line: string, first: string): readonly string[] | undefined {
  const [word, ...rest] = line.split(' ');
  return word === first ? rest : undefined;
}

/** The number behind the word that the line must begin with. */
function countIn(line: string, first: string): number {
  return count(words(line, first)?.[0], line);
}

function count(text: string | undefined, line: string): number {
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw unheardOf(line);
}

function unheardOf(line: string): BinaryCacheError {
  return new BinaryCacheError(
    'install-failed',
    `Bringing the archive to the host failed: its shell says ${JSON.stringify(line.slice(0, 200))}, which makes no sense.`,
  );
}
