import type { Command, Host, HostProcess, SpawnOptions } from '@seedbed/host';
import type { BareCommand } from './bare-app-server.ts';

/** How Seedbed started an app-server and opened its thread: a bare client then does the same. */
export interface CodexLaunch {
  readonly command: BareCommand;
  /** The parameters of `thread/start`. */
  readonly thread: unknown;
}

export interface ObservedHost {
  readonly host: Host;
  /** @throws when no app-server was started on it, or no thread in that. */
  launch(): CodexLaunch;
}

/** A host that remembers how an app-server was started on it, and which thread was opened. */
export function observeLaunch(host: Host): ObservedHost {
  let command: Command | undefined;
  let sent = '';
  const spawn = async (asked: Command, options?: SpawnOptions): Promise<HostProcess> => {
    const process = await host.spawn(asked, options);
    if (!asked.argv.includes('app-server')) return process;
    command = asked;
    const decoder = new TextDecoder();
    const spy = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sent += decoder.decode(chunk, { stream: true });
        controller.enqueue(chunk);
      },
    });
    void spy.readable.pipeTo(process.stdin).catch(() => undefined);
    return { ...process, stdin: spy.writable };
  };
  return {
    host: { ...host, spawn },
    launch() {
      const start = sent
        .split('\n')
        .filter((line) => line !== '')
        .map((line): { method?: string; params?: unknown } => JSON.parse(line))
        .find(({ method }) => method === 'thread/start');
      if (command === undefined || start === undefined)
        throw new Error('No thread was started on this host.');
      const env = Object.entries({ ...host.env, ...command.env }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      return {
        command: { argv: command.argv, cwd: command.cwd ?? host.home, env: Object.fromEntries(env) },
        thread: start.params,
      };
    },
  };
}

/** The same launch for a task in another folder. */
export function moveLaunch(launch: CodexLaunch, from: string, to: string): CodexLaunch {
  return JSON.parse(JSON.stringify(launch).replaceAll(from, to));
}
