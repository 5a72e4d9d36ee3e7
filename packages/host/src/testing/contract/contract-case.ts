import assert from 'node:assert/strict';
import type { DirEntry, Host } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';

/** What a host of the tested kind can do beyond the interface's core. */
export interface HostCapabilities {
  /** Runs a POSIX shell and the programs of `standardPrograms`, real ones, from the PATH. */
  readonly shell: boolean;
  /** Gives a process a terminal. */
  readonly pty: boolean;
  /** Reaches, with `connect`, what listens on the loopback interface of the machine that the suite runs on. */
  readonly sharesLoopback: boolean;
  /** Takes file names that are not UTF-8; with `shell`, also such arguments, folders and variables. */
  readonly rawNames: boolean;
  /** Has Linux's /proc, by which processes that left their group are found. */
  readonly procfs: boolean;
  /** Sets times to the microsecond; BusyBox's tools take whole seconds. */
  readonly exactTimes: boolean;
}

/** What one case is run with: a host of its own, and an empty folder on it that is removed afterwards. */
export interface ContractSubject {
  readonly host: Host;
  readonly folder: HostPath;
  readonly capabilities: HostCapabilities;
}

export interface CaseDefinition {
  readonly name: string;
  /** The capabilities without which the case does not apply. */
  readonly needs?: readonly (keyof HostCapabilities)[];
  readonly check: (subject: ContractSubject) => Promise<void>;
}

export async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

/** Says that `promise` rejects with a `HostError` of this code. */
export async function rejectsWith(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (failure) => {
    assert.ok(failure instanceof HostError, `rejects with a HostError, got ${String(failure)}`);
    assert.equal(failure.code, code, failure.message);
    return true;
  });
}

/** `bytes` bytes that are not all alike. */
export function patternBytes(bytes: number): Uint8Array {
  const pattern = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 1) pattern[at] = (at * 31 + (at >> 8)) & 0xff;
  return pattern;
}

/** A stream that gives `chunk` so many times, and notes how much was taken of it. */
export function repeat(
  chunk: Uint8Array,
  times: number,
): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken >= times) return controller.close();
        taken += 1;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, taken: () => taken };
}

export async function names(host: Pick<Host, 'list'>, path: HostPath): Promise<string[]> {
  const entries: DirEntry[] = [];
  for await (const entry of host.list(path)) entries.push(entry);
  return entries.map(({ name }) => name).sort();
}

export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
