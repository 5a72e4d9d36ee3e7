import { accessSync, constants } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';

/** Programs whose presence decides what a test can do; a test that skips itself for want of one must not be remembered once it is there. */
const PROGRAMS = [
  'setpriv',
  'useradd',
  'unshare',
  'ps',
  'git',
  'tar',
  'tmux',
  'sshd',
  'bwrap',
  'java',
  'javac',
  'mvn',
  'busybox',
  'mongod',
  'chromium',
];

/**
 * What the outcome of tests depends on beside the files of the repository, as one line. Turbo takes it into every task's hash.
 */
export function testGround(env: NodeJS.ProcessEnv): string {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const present = PROGRAMS.filter((program) => folders.some((folder) => isExecutable(join(folder, program))));
  const user = process.getuid?.() === 0 ? 'root' : 'user';
  return [process.version, process.platform, process.arch, release(), user, ...present].join(' ');
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not to be run: the same to a test.
    return false;
  }
}
