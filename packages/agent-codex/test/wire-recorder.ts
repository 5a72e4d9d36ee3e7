import type { Host, HostProcess } from '@seedbed/host';

/** What went over the wire of every `codex app-server` that a host started, a JSON line each. */
export interface WireRecorder {
  readonly host: Host;
  readonly sent: readonly string[];
  readonly received: readonly string[];
}

export function recordWire(host: Host): WireRecorder {
  const sent: string[] = [];
  const received: string[] = [];
  return {
    sent,
    received,
    host: {
      ...host,
      async spawn(command, options) {
        const process = await host.spawn(command, options);
        return command.argv.includes('app-server') ? tap(process, sent, received) : process;
      },
    },
  };
}

function tap(process: HostProcess, sent: string[], received: string[]): HostProcess {
  const input = lines(sent);
  void input.readable.pipeTo(process.stdin).catch(() => undefined);
  return {
    ...process,
    pid: process.pid,
    exit: process.exit,
    closed: process.closed,
    stderr: process.stderr,
    stdin: input.writable,
    stdout: process.stdout.pipeThrough(lines(received)),
  };
}

function lines(into: string[]): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = '';
  return new TransformStream({
    transform(chunk, controller) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      into.push(...parts.filter((line) => line.trim() !== ''));
      controller.enqueue(chunk);
    },
  });
}
