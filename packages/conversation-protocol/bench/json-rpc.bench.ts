import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type BenchResult, type BenchTopic, compare, median, pairedRuns, quantile } from '@seedbed/bench';
import { createJsonRpcPeer } from '../src/json-rpc/index.ts';

const writer = fileURLToPath(new URL('delta-writer.mjs', import.meta.url));
const DELTAS = 20_000;
const SPACED_DELTAS = 1_000;

type Child = ChildProcessByStdio<Writable, Readable, null>;
/** Reads the child to its end and gives the parameters of every delta to `onDelta`. */
type Reader = (child: Child, onDelta: (params: unknown) => void) => Promise<void>;

const throughPeer: Reader = async (child, onDelta) => {
  await using peer = createJsonRpcPeer({
    readable: Readable.toWeb(child.stdout),
    writable: Writable.toWeb(child.stdin),
    dialect: { jsonrpcMember: false },
    onNotification: ({ params }) => onDelta(params),
  });
  await peer.notify('go');
  await peer.closed;
};

const byHand: Reader = async (child, onDelta) => {
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => onDelta(JSON.parse(line).params));
  child.stdin.write('go\n');
  await once(lines, 'close');
};

const alternative = `node:readline and JSON.parse, Node ${process.versions.node}`;

/** What the JSON-RPC peer costs on top of reading a child's pipe and parsing each line. */
export const topic: BenchTopic = {
  name: 'json-rpc',
  async measure({ signal, progress }): Promise<readonly BenchResult[]> {
    progress(`reading ${DELTAS} deltas as fast as they come`);
    const rates = await pairedRuns(
      () => deltasPerSecond(throughPeer, signal),
      () => deltasPerSecond(byHand, signal),
      { rounds: 15, signal },
    );
    progress(`timing ${SPACED_DELTAS} deltas, one a millisecond`);
    const delays = await pairedRuns(
      () => delaysMs(throughPeer, signal),
      () => delaysMs(byHand, signal),
      { rounds: 5, signal },
    );
    const delay = (name: string, part: number): BenchResult =>
      compare({
        name,
        unit: 'ms',
        better: 'lower',
        ours: median(delays.ours.map((run) => quantile(run, part))),
        alternative: { name: alternative, value: median(delays.theirs.map((run) => quantile(run, part))) },
      });
    return [
      compare({
        name: `deltas through a pipe, ${DELTAS} of them`,
        unit: 'events/s',
        better: 'higher',
        ours: median(rates.ours),
        alternative: { name: alternative, value: median(rates.theirs) },
      }),
      delay('from the write of a delta to its handler, p50', 0.5),
      delay('from the write of a delta to its handler, p99', 0.99),
    ];
  },
};

/** From the first delta to the last. */
async function deltasPerSecond(read: Reader, signal: AbortSignal): Promise<number> {
  let seen = 0;
  let began = 0;
  let ended = 0;
  await withWriter([DELTAS], signal, (child) =>
    read(child, () => {
      seen += 1;
      if (seen === 1) began = performance.now();
      if (seen === DELTAS) ended = performance.now();
    }),
  );
  if (seen !== DELTAS) throw new Error(`${seen} of ${DELTAS} deltas came.`);
  return (DELTAS * 1000) / (ended - began);
}

async function delaysMs(read: Reader, signal: AbortSignal): Promise<readonly number[]> {
  const delays: number[] = [];
  await withWriter([SPACED_DELTAS, 1], signal, (child) =>
    read(child, (params) => {
      const { at } = params as { readonly at: string };
      delays.push(Number(process.hrtime.bigint() - BigInt(at)) / 1e6);
    }),
  );
  return delays;
}

async function withWriter(
  args: readonly number[],
  signal: AbortSignal,
  read: (child: Child) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, [writer, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    await read(child);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}
