import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createBusyboxRoot, whyNoBusybox } from '../../../test/busybox-root.ts';
import { joinHostPath } from '../../index.ts';
import { createLocalHost } from '../../local/index.ts';
import { removalScript } from './removal-script.ts';

const isRoot = process.getuid?.() === 0;
const busybox = whyNoBusybox() === undefined ? await createBusyboxRoot() : undefined;
afterAll(() => busybox?.[Symbol.asyncDispose]());

/** Runs a script as somebody to whom permissions matter. */
async function run(path: string, script: string): Promise<{ readonly stderr: string }> {
  const argv = isRoot
    ? ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', script]
    : ['-c', script];
  return await promisify(execFile)(isRoot ? '/usr/bin/setpriv' : 'sh', argv, {
    env: { PATH: path, LC_ALL: 'C' },
  });
}

describe.each([
  ["GNU's tools", '/usr/bin:/bin'],
  ['BusyBox', busybox && `${busybox.path}/bin`],
])('removing with %s', (_, path) => {
  it.skipIf(path === undefined)(
    'opens folders that their owner may not change, and reaches those that are too deep',
    async () => {
      await using host = createLocalHost();
      const folder = joinHostPath(host.tmp, `seedbed-removal-${crypto.randomUUID()}`);
      await host.makeDirectory(folder);
      await host.setMode(folder, 0o1777);
      const root = joinHostPath(folder, "it's $(x)\n");
      const quoted = `'${root.replaceAll("'", "'\\''")}'`;
      try {
        const plant = [
          `mkdir ${quoted} && cd ${quoted} && mkdir -p "a b/closed/inner" none kept && ln -s ../kept link`,
          'echo x >"a b/closed/inner/f"; chmod 500 "a b/closed/inner" "a b/closed"; chmod 0 none',
          'n=$(printf %0200d 0) i=0; while [ "$i" -lt 60 ]; do mkdir "$n" && cd -P "./$n" || exit 1; i=$((i + 1)); done; echo deep >f',
        ];
        await run('/usr/bin:/bin', plant.join('\n'));
        expect(await run(path ?? '', removalScript(root))).toMatchObject({ stderr: '' });
        expect(await host.stat(root)).toBeUndefined();
      } finally {
        await host.remove(folder, { recursive: true });
      }
    },
  );
});
