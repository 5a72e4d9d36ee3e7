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
  pairedRuns,
} from '@seedbed/bench';
import type { Host } from '../src/host.ts';
import { hostPath } from '../src/host-path.ts';
import { packDirectory, unpackDirectory } from '../src/index.ts';
import { createLocalHost } from '../src/local/index.ts';
import { missingPrograms, runTool } from './open-ssh-client.ts';
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
  { signal, progress }: BenchContext,
  { megabytes, smallFiles, ...options }: TransferSizes,
): Promise<readonly BenchResult[]> {
  await using ground = await openSshBenchGround();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-transfer-'));
  try {
    progress(`making ${megabytes} MB, and ${smallFiles} small files`);
    await writeFile(join(folder, 'large'), randomBytes(megabytes * 1_000_000));
    await plantSmallFiles(join(folder, 'small'), smallFiles);
    const missing = await missingPrograms(['rsync']);
    for (const name of missing) progress(`not compared with ${name}, which is not on this machine`);
    const results: BenchResult[] = [];
    for (const comparison of [
      ...largeFile(ground, folder, megabytes),
      ...(smallFiles === 0 ? [] : tree(ground, folder, smallFiles)),
    ]) {
      for (const [alternative, { program, argv }] of Object.entries(comparison.theirs)) {
        if (missing.includes(program)) continue;
        progress(`${comparison.name}, against ${alternative}`);
        const clean = (): Promise<void> => rm(join(folder, 'copy'), { recursive: true, force: true });
        const seconds = async (work: Work): Promise<number> => {
          await clean();
          const began = performance.now();
          await work();
          return (performance.now() - began) / 1_000;
        };
        const times = await pairedRuns(
          () => seconds(comparison.ours),
          () => seconds(() => runTool(argv, signal)),
          { ...options, signal },
        );
        results.push(
          compare({
            name: comparison.name,
            unit: 's',
            better: 'lower',
            ours: median(times.ours),
            alternative: { name: `${alternative}, ${ground.client.version}`, value: median(times.theirs) },
          }),
        );
      }
    }
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function plantSmallFiles(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const place = join(folder, `folder-${number % 20}`);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, `file-${number}`), randomBytes(500 + ((number * 37) % 4_000)));
  }
}

function largeFile(
  { host, client }: SshBenchGround,
  folder: string,
  megabytes: number,
): readonly Comparison[] {
  const [file, copy] = [join(folder, 'large'), join(folder, 'copy')];
  const there = (path: string): string => `${client.destination}:${path}`;
  const scp = ['scp', '-q', ...client.options('master')];
  const rsync = ['rsync', '--whole-file', '-e', client.shellLine('master')];
  const ssh = `${client.shellLine('master')} ${client.destination}`;
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
        'ssh cat': { program: 'ssh', argv: ['sh', '-c', `${ssh} 'cat >${copy}' <${file}`] },
        rsync: { program: 'rsync', argv: [...rsync, file, there(copy)] },
      },
    },
    {
      name: `${megabytes} MB down`,
      ours: between(host, local),
      theirs: {
        scp: { program: 'scp', argv: [...scp, there(file), copy] },
        'ssh cat': { program: 'ssh', argv: ['sh', '-c', `${ssh} 'cat ${file}' >${copy}`] },
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
