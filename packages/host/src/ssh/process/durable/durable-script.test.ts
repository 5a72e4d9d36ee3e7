import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkCommand } from '../../../check-command.ts';
import { hostPath } from '../../../host-path.ts';
import { createLocalHost } from '../../../local/index.ts';
import { MARKER_NAME } from '../../../process-marker.ts';
import { processesWithEnvironment } from '../../../testing/index.ts';
import { startDurableScript } from './durable-script.ts';

const shells = ['/bin/dash', '/bin/bash'].filter((file) => existsSync(file));

/** Runs the start of a durable process in a shell of this machine, as the host's would. */
function start(shell: string, program: string) {
  const id = randomUUID();
  const host = createLocalHost();
  const command = checkCommand(host, {
    argv: ['sh', '-c', program],
    env: { TEST_MARK: id, [MARKER_NAME]: id },
  });
  const folder = hostPath(join(tmpdir(), `seedbed-durable-${id}`));
  const script = startDurableScript({ folder, markerIds: [id], graceSeconds: 1 }, command);
  const say = 'say() { printf \'%s\\n\' "$1" >&2; }';
  const child = spawn(shell, ['-c', `${say}\n${script}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  const living = async (): Promise<number> =>
    (await processesWithEnvironment(host, `TEST_MARK=${id}`)).length;
  return { child, folder, living };
}

describe.for(shells)('a durable process that %s started', (shell) => {
  it('is ended with all that is its when nobody attaches to it again', async () => {
    const { child, folder, living } = start(
      shell,
      'trap "" TERM; setsid sleep 1000 & sleep 1001; echo never',
    );
    await expect.poll(living, { timeout: 20_000 }).toBeGreaterThan(1);
    child.stdin.end();
    await expect.poll(living, { timeout: 20_000 }).toBe(0);
    await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  }, 40_000);

  it('is ended also when its folder was removed meanwhile', async () => {
    const { child, folder, living } = start(shell, 'exec sleep 1001');
    await expect.poll(living, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(() => existsSync(join(folder, 'attached')), { timeout: 20_000 }).toBe(true);
    await rm(folder, { recursive: true });
    child.stdin.end();
    await expect.poll(living, { timeout: 20_000 }).toBe(0);
  }, 40_000);

  it('ignores no signal that its program did not ask to ignore', async () => {
    const { child, folder } = start(shell, 'grep ^SigIgn: /proc/self/status');
    let shown = '';
    child.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    await expect.poll(() => shown, { timeout: 20_000 }).toBe('SigIgn:\t0000000000000000\n');
    child.stdin.end();
    spawn('rm', ['-rf', folder]);
  }, 40_000);

  it('reads up to the last byte that was written before its input was ended', async () => {
    const { child, folder } = start(shell, 'wc -c');
    let shown = '';
    child.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    child.stdin.write('x'.repeat(300_000));
    const size = spawn('sh', [
      '-c',
      `until [ "$(wc -c <"$0/in")" = 300000 ]; do sleep 0.05; done; kill -KILL "$(cat "$0/hold")"`,
      folder,
    ]);
    size.on('error', () => undefined);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(() => shown.trim()).toBe('300000');
    expect(code).toBe(0);
    child.stdin.end();
    spawn('rm', ['-rf', folder]);
  }, 40_000);
});
