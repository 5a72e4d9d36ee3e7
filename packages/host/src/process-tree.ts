import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { MARKER_NAME, markerIds } from './process-marker.ts';

const ROWS_AT_ONCE = 64;

/** One process, told apart from a later one with the same id by when it started (clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: number;
}

export interface ProcessRow extends ProcessIdentity {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly state: string;
}

/** Which processes belong to one that was started here. */
export interface TreeRoot {
  readonly leader: ProcessIdentity;
  /** One of these stands in the environment of everything it starts, unless it was removed on purpose. */
  readonly markerIds: readonly string[];
}

/** All processes of a machine at one moment, as Linux's /proc shows them. */
export interface ProcessTable {
  readonly rows: readonly ProcessRow[];
  /** Whether one of the ids stands in the marker of the process. */
  readonly carriesMarker: (pid: number, ids: readonly string[]) => boolean | Promise<boolean>;
}

/** The living processes (zombies do not count) on this machine that come from `root`. */
export async function livingTree(
  root: TreeRoot,
  known: readonly ProcessIdentity[],
): Promise<readonly ProcessRow[]> {
  return await livingMembers({ rows: await processTable(), carriesMarker }, root, known);
}

/**
 * Those that come from `root`: the processes of its session or group, those with its marker in their environment, and the descendants of any of these.
 * `known` are members found earlier: they stay members when they lose their parent.
 */
export async function livingMembers(
  table: ProcessTable,
  root: TreeRoot,
  known: readonly ProcessIdentity[],
): Promise<readonly ProcessRow[]> {
  const rows = table.rows.filter((row) => row.started >= root.leader.started);
  const numberReused = rows.some((row) => row.pid === root.leader.pid && row.started !== root.leader.started);
  const members = new Map<number, ProcessRow>();
  for (const row of rows) {
    const inGroup = !numberReused && (row.session === root.leader.pid || row.group === root.leader.pid);
    const wasMember = known.some((one) => one.pid === row.pid && one.started === row.started);
    if (inGroup || wasMember || (await table.carriesMarker(row.pid, root.markerIds)))
      members.set(row.pid, row);
  }
  addDescendants(members, rows);
  return [...members.values()].filter((row) => !isDead(row));
}

/** Sends a signal to each process that still is the one that was found. */
export function signalProcesses(members: readonly ProcessIdentity[], signal: NodeJS.Signals): void {
  for (const { pid, started } of members) {
    const row = readProcess(pid);
    if (row?.started !== started) continue;
    try {
      process.kill(pid, signal);
    } catch {
      // Gone since, or not ours to signal: the caller sees it among the living.
    }
  }
}

/**
 * Who has this number now, `undefined` when nobody has it or there is no /proc. Of a child that was started just now it is certain:
 * it is read at once, before the event loop can reap the child and free its number.
 */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const row = readProcess(pid);
  return row && { pid, started: row.started };
}

function addDescendants(members: Map<number, ProcessRow>, rows: readonly ProcessRow[]): void {
  let grew = true;
  while (grew) {
    grew = false;
    for (const row of rows) {
      const parent = members.get(row.parent);
      if (parent === undefined || members.has(row.pid) || row.started < parent.started) continue;
      members.set(row.pid, row);
      grew = true;
    }
  }
}

function isDead(row: ProcessRow): boolean {
  return row.state === 'Z' || row.state === 'X';
}

/**
 * Read in place, some at a time: /proc is memory, so that a read takes microseconds, and going through the thread pool for each would take
 * many times as long. (A process's environment is another matter: reading it can wait for the process.)
 */
async function processTable(): Promise<ProcessRow[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const rows: ProcessRow[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await setImmediate();
    const row = readProcess(pid);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function readProcess(pid: number): ProcessRow | undefined {
  try {
    return parseProcess(pid, readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** From /proc/<pid>/stat, whose second field (the program's name) may hold spaces and parentheses: see proc(5). */
export function parseProcess(pid: number, text: string): ProcessRow {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group, session] = fields;
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    started: Number(fields[19]),
  };
}

async function carriesMarker(pid: number, wanted: readonly string[]): Promise<boolean> {
  try {
    return hasMarker(await readFile(`/proc/${pid}/environ`, 'latin1'), wanted);
  } catch {
    return false;
  }
}

/** Whether an environment, as /proc/<pid>/environ gives it, names one of the ids in its marker. */
export function hasMarker(environment: string, wanted: readonly string[]): boolean {
  const entry = environment.split('\0').find((one) => one.startsWith(`${MARKER_NAME}=`));
  return markerIds(entry?.slice(MARKER_NAME.length + 1)).some((id) => wanted.includes(id));
}
