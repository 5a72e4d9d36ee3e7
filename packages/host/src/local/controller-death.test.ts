import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run } from '../run.ts';
import { createLocalHost } from './index.ts';

const controller = `
const { createLocalHost } = await import(process.argv[1]);
const process_ = await createLocalHost().spawn({ argv: ['sh', '-c', 'cat; echo input ended >&2; exec sleep 0.2'] });
console.log(process_.pid);
await process_.exit;
`;

it('a controller that is killed ends the input of its processes, and nothing else', async () => {
  const entry = fileURLToPath(new URL('./index.ts', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '--eval', controller, entry], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await once(child.stdout, 'data');
  const pid = Number(String(output));
  expect(pid).toBeGreaterThan(1);
  child.kill('SIGKILL');
  await once(child, 'close');
  await using host = createLocalHost();
  // tail --pid waits for a process that is not its own child.
  const { exit } = await run(
    host,
    { argv: ['tail', `--pid=${pid}`, '-f', '/dev/null'] },
    { timeoutMs: 20_000 },
  );
  expect(exit).toEqual({ kind: 'exited', code: 0 });
});
