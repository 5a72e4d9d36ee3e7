import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A holder says that it lives this often, and is given up when it has not for so long: the longer where its process is seen to live; milliseconds. */
const HEARTBEAT_MS = 1_000;
const GIVEN_UP_AFTER_MS = 15_000;
const GIVEN_UP_ALIVE_MS = 60_000;
const ASK_AGAIN_MS = 200;

/**
 * Runs `work` while no other start does, on this machine or in a container that shares the folder.
 * A holder that was killed is noticed: at once where its process id can be asked, otherwise by its missing heartbeat.
 *
 * The lock is the highest number in the folder. Numbers only grow, and to create the next one succeeds for one process only,
 * so that taking over from a dead holder cannot go to two.
 *
 * @template T
 * @param {string} folder
 * @param {{ work: () => Promise<T>, onWait: () => void }} options
 * @returns {Promise<T>}
 */
export async function withInstallLock(folder, { work, onWait }) {
  mkdirSync(folder, { recursive: true });
  let told = false;
  for (;;) {
    const mine = tryAcquire(folder);
    if (mine !== undefined) return await hold(folder, mine, work);
    if (!told) onWait();
    told = true;
    await sleep(ASK_AGAIN_MS);
  }
}

/**
 * @template T
 * @param {string} folder
 * @param {number} mine
 * @param {() => Promise<T>} work
 */
async function hold(folder, mine, work) {
  const path = join(folder, String(mine));
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // Somebody removed the folder; the work goes on, and its own steps are atomic.
    }
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    publish(folder, mine, { free: true }, renameSync);
  }
}

/** @param {string} folder */
function tryAcquire(folder) {
  const highest = highestNumber(folder);
  if (highest > 0 && isHeld(join(folder, String(highest)))) return undefined;
  const mine = highest + 1;
  if (!publish(folder, mine, { pid: process.pid, host: hostname() }, linkSync)) return undefined;
  // The number may have been used and tidied away since we looked: then somebody holds a higher one.
  if (highestNumber(folder) !== mine) {
    rmSync(join(folder, String(mine)), { force: true });
    return undefined;
  }
  for (const number of numbers(folder))
    if (number < mine) rmSync(join(folder, String(number)), { force: true });
  return mine;
}

/** @param {string} path */
function isHeld(path) {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8'));
    if (holder.free === true) return false;
    const silentMs = Date.now() - statSync(path).mtimeMs;
    if (holder.host !== hostname()) return silentMs <= GIVEN_UP_AFTER_MS;
    // It may be held up by a slow disk, or stopped. Its process id may also be another's by now.
    return isAlive(holder.pid) && silentMs <= GIVEN_UP_ALIVE_MS;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    // Tidied away while we looked: look again.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Makes a whole file appear at the number's place by `place`; false when the place is taken.
 *
 * @param {string} folder
 * @param {number} number
 * @param {object} content
 * @param {(from: string, to: string) => void} place
 */
function publish(folder, number, content, place) {
  const draft = join(folder, `draft-${randomUUID()}`);
  writeFileSync(draft, JSON.stringify(content));
  try {
    place(draft, join(folder, String(number)));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @param {string} folder */
function numbers(folder) {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** @param {string} folder */
function highestNumber(folder) {
  return Math.max(0, ...numbers(folder));
}
