import { setImmediate } from 'node:timers/promises';
import type { DirEntry, Host, HostProcess } from '@seedbed/host';

/** A host that is asked in steps, as one far away is: what is asked at the same time is one step, and costs one round trip. */
export interface PacedHost {
  readonly host: Host;
  /** What was asked in each step, in the order in which the steps were taken. */
  readonly steps: readonly (readonly string[])[];
}

/**
 * No answer is given before everything is answered that was asked by then, and nobody has more to ask: so the number of steps is the length
 * of the longest chain in which one question waits for the answer to another. Independent of any clock.
 */
export function paceHost(host: Host): PacedHost {
  const steps: string[][] = [];
  let step:
    | { readonly asked: string[]; pending: number; readonly over: PromiseWithResolvers<void> }
    | undefined;

  const leave = async (one: NonNullable<typeof step>): Promise<void> => {
    one.pending -= 1;
    // Whoever still has something to ask at the same time does it in these turns of the event loop.
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    if (one.pending > 0 || step !== one) return;
    step = undefined;
    one.over.resolve();
  };
  const ask = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const open = () => {
      const begun = { asked: [], pending: 0, over: Promise.withResolvers<void>() };
      steps.push(begun.asked);
      return begun;
    };
    step ??= open();
    const mine = step;
    mine.asked.push(what);
    mine.pending += 1;
    try {
      return await work();
    } finally {
      void leave(mine);
      await mine.over.promise;
    }
  };

  return {
    steps,
    host: {
      ...host,
      spawn: (command, options) =>
        ask<HostProcess>(`spawn ${command.argv.slice(0, 2).join(' ')}`, () => host.spawn(command, options)),
      readFile: (path, options) => ask(`readFile ${path}`, () => host.readFile(path, options)),
      writeFile: (path, body, options) => ask(`writeFile ${path}`, () => host.writeFile(path, body, options)),
      stat: (path, options) => ask(`stat ${path}`, () => host.stat(path, options)),
      async *list(path) {
        const entries = await ask<DirEntry[]>(`list ${path}`, () => Array.fromAsync(host.list(path)));
        yield* entries;
      },
      makeDirectory: (path, options) => ask(`makeDirectory ${path}`, () => host.makeDirectory(path, options)),
      remove: (path, options) => ask(`remove ${path}`, () => host.remove(path, options)),
      rename: (from, to) => ask(`rename ${from}`, () => host.rename(from, to)),
      link: (path, target, options) => ask(`link ${path}`, () => host.link(path, target, options)),
      readLink: (path) => ask(`readLink ${path}`, () => host.readLink(path)),
      setMode: (path, mode) => ask(`setMode ${path}`, () => host.setMode(path, mode)),
      setModified: (path, ms) => ask(`setModified ${path}`, () => host.setModified(path, ms)),
      canonicalize: (path, options) => ask(`canonicalize ${path}`, () => host.canonicalize(path, options)),
    },
  };
}
