import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  type PairedOptions,
  pairedRuns,
} from '@seedbed/bench';
import type { Host } from '../src/host.ts';
import { hostPath } from '../src/host-path.ts';
import { packDirectory, unpackDirectory } from '../src/index.ts';
import { createLocalHost } from '../src/local/index.ts';
import { missingPrograms, type OpenSshClient, runTool } from './open-ssh-client.ts';
import { openSshBenchGround, type SshBenchGround } from './ssh-bench-ground.ts';

export interface TransferSizes {
  readonly rounds: number;
  readonly warmUp: number;
  /** Of the one large file. */
  readonly megabytes: number;
  readonly smallFiles: number;
}

export const topic: BenchTopic = {
  name: 'ssh-transfer',
  measure: (context) => measureTransfer(context, { rounds: 5, warmUp: 1, megabytes: 200, smallFiles: 1_000 }),
};

type Work = () => Promise<unknown>;

/** One thing that is moved, how we do it, and how others do. */
interface Comparison {
  readonly name: string;
  readonly ours: Work;
  /** By name; each with the program that it needs. */
  readonly theirs: Readonly<Record<string, { readonly program: string; readonly argv: readonly string[] }>>;
}

/** Files between this machine and itself through its sshd, over connections that are open, ours and theirs (ControlMaster). */
export async function measureTransfer(
  context: BenchContext,
  sizes: TransferSizes,
): Promise<readonly BenchResult[]> {
  const { megabytes, smallFiles } = sizes;
  await using ground = await openSshBenchGround();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-transfer-'));
  try {
    context.progress(`making ${megabytes} MB, and ${smallFiles} small files`);
    await writeFile(join(folder, 'large'), randomBytes(megabytes * 1_000_000));
    await plantSmallFiles(join(folder, 'small'), smallFiles);
    const missing = await missingPrograms(['rsync']);
    for (const name of missing) context.progress(`not compared with ${name}, which is not on this machine`);
    const results: BenchResult[] = [];
    for (const { name, ours, theirs } of [
      ...largeFile(ground, folder, megabytes),
      ...tree(ground, folder, smallFiles),
    ]) {
      for (const [alternative, { program, argv }] of Object.entries(theirs)) {
        if (missing.includes(program)) continue;
        context.progress(`${name}, against ${alternative}`);
        const works = { ours, theirs: () => runTool(argv, context.signal), copy: join(folder, 'copy') };
        const seconds = await measurePair(works, { ...sizes, signal: context.signal });
        const other = { name: `${alternative}, ${ground.client.version}`, value: seconds.theirs };
        results.push(compare({ name, unit: 's', better: 'lower', ours: seconds.ours, alternative: other }));
      }
    }
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The median of each, in seconds. `copy` is what they make; it is removed before each. */
async function measurePair(
  { ours, theirs, copy }: { readonly ours: Work; readonly theirs: Work; readonly copy: string },
  { rounds, warmUp, signal }: PairedOptions,
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const seconds = (work: Work) => async (): Promise<number> => {
    await rm(copy, { recursive: true, force: true });
    const began = performance.now();
    await work();
    return (performance.now() - began) / 1_000;
  };
  const times = await pairedRuns(seconds(ours), seconds(theirs), {
    rounds,
    ...(warmUp !== undefined && { warmUp }),
    ...(signal && { signal }),
  });
  return { ours: median(times.ours), theirs: median(times.theirs) };
}

async function plantSmallFiles(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const place = join(folder, `folder-${number % 20}`);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, `file-${number}`), randomBytes(500 + ((number * 37) % 4_000)));
  }
}

function largeFile(
  { host, client, gcmClient }: SshBenchGround,
  folder: string,
  megabytes: number,
): readonly Comparison[] {
  const [file, copy] = [join(folder, 'large'), join(folder, 'copy')];
  const there = (path: string): string => `${client.destination}:${path}`;
  const scp = ['scp', '-q', ...client.options('master')];
  const rsync = ['rsync', '--whole-file', '-e', client.shellLine('master')];
  const cat = (by: OpenSshClient, command: string, redirection: string) => {
    const line = `${by.shellLine('master')} ${by.destination} '${command}' ${redirection}`;
    return { program: 'ssh', argv: ['sh', '-c', line] };
  };
  const local = createLocalHost();
  const between =
    (from: Host, to: Host): Work =>
    async () =>
      await to.writeFile(hostPath(copy), await from.readFile(hostPath(file)));
  return [
    {
      name: `${megabytes} MB up`,
      ours: between(local, host),
      theirs: {
        scp: { program: 'scp', argv: [...scp, file, there(copy)] },
        'ssh cat': cat(client, `cat >${copy}`, `<${file}`),
        'ssh cat with our cipher': cat(gcmClient, `cat >${copy}`, `<${file}`),
        rsync: { program: 'rsync', argv: [...rsync, file, there(copy)] },
      },
    },
    {
      name: `${megabytes} MB down`,
      ours: between(host, local),
      theirs: {
        scp: { program: 'scp', argv: [...scp, there(file), copy] },
        'ssh cat': cat(client, `cat ${file}`, `>${copy}`),
        'ssh cat with our cipher': cat(gcmClient, `cat ${file}`, `>${copy}`),
        rsync: { program: 'rsync', argv: [...rsync, there(file), copy] },
      },
    },
  ];
}

function tree({ host, client }: SshBenchGround, folder: string, count: number): readonly Comparison[] {
  const local = createLocalHost();
  const [source, copy] = [join(folder, 'small'), join(folder, 'copy')];
  const there = (path: string): string => `${client.destination}:${path}`;
  const scp = ['scp', '-qrp', ...client.options('master')];
  const rsync = ['rsync', '--archive', '-e', client.shellLine('master')];
  const ssh = `${client.shellLine('master')} ${client.destination}`;
  return [
    {
      name: `${count} small files up`,
      ours: () => unpackDirectory(host, hostPath(copy), packDirectory(local, hostPath(source))),
      theirs: {
        'tar | ssh tar': {
          program: 'ssh',
          argv: ['sh', '-c', `tar -C ${source} -c . | ${ssh} 'mkdir ${copy} && tar -C ${copy} -x'`],
        },
        'scp -r': { program: 'scp', argv: [...scp, source, there(copy)] },
        rsync: { program: 'rsync', argv: [...rsync, `${source}/`, there(copy)] },
      },
    },
    {
      name: `${count} small files down`,
      ours: () => unpackDirectory(local, hostPath(copy), packDirectory(host, hostPath(source))),
      theirs: {
        'ssh tar | tar': {
          program: 'ssh',
          argv: ['sh', '-c', `mkdir ${copy} && ${ssh} 'tar -C ${source} -c .' | tar -C ${copy} -x`],
        },
        'scp -r': { program: 'scp', argv: [...scp, there(source), copy] },
        rsync: { program: 'rsync', argv: [...rsync, there(`${source}/`), copy] },
      },
    },
  ];
}
