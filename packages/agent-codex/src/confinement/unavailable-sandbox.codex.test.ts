import { access, copyFile, mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type HostPath, hostPath } from '@seedbed/host';
import { SandboxPolicyError } from '@seedbed/sandbox-policy';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { type ConfinedPlace, createConfinedPlace } from '../../test/confined-place.ts';
import { openScriptedTask } from '../../test/scripted-task.ts';

beforeAll(async () => {
  for (const version of supportedVersions) await codexBinary(version);
}, downloadTimeout);

async function failure(starting: Promise<unknown>): Promise<SandboxPolicyError> {
  const error = await starting.then(
    () => new Error('the task was started'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SandboxPolicyError) return error;
  throw error;
}

/** A Codex on a machine of its own making: `prepare` runs as root of a namespace that has an empty /tmp. */
async function codexOnMachine(place: ConfinedPlace, codex: string, prepare: string): Promise<HostPath> {
  const inside = `mount -t tmpfs none /tmp && ${prepare} && exec "$@"`;
  return place.program('codex', `exec unshare -Urm /bin/sh -c '${inside}' sh '${codex}' "$@"`);
}

describe.each(supportedVersions)('Codex %s is not started', (version) => {
  it('where no user namespaces can be made, and the message says what to allow, or that the container may be the sandbox', async () => {
    await using place = await createConfinedPlace();
    const path = await codexOnMachine(
      place,
      await codexBinary(version),
      'echo 0 > /proc/sys/user/max_user_namespaces',
    );
    const error = await failure(place.run('true', { version, binary: { path } }));
    expect(error.code).toBe('probe-failed');
    expect(error.message).toContain('user.max_user_namespaces');
    expect(error.message).toContain('"external"');
  });

  it('where there is no bubblewrap, and the message says what to install', async () => {
    const tools = ['bash', 'mkdir', 'rm', 'rmdir'];
    await using elsewhere = await createConfinedPlace();
    const folder = join(elsewhere.root, 'tools');
    await mkdir(folder);
    for (const tool of tools) await symlink(await onPath(tool), join(folder, tool));
    await using place = await createConfinedPlace({ env: { PATH: folder } });
    const path = join(place.root, 'lonely', 'bin', 'codex');
    await mkdir(join(place.root, 'lonely', 'bin'), { recursive: true });
    await copyFile(await codexBinary(version), path);
    const error = await failure(place.run('true', { version, binary: { path: hostPath(path) } }));
    expect(error.code).toBe('probe-failed');
    expect(error.message).toContain('install the package "bubblewrap"');
    expect(error.message).toContain('"external"');
  });

  it('unless the machine is declared the sandbox: then it is started, and the report says who confines', async () => {
    await using place = await createConfinedPlace();
    await using task = await openScriptedTask({
      version,
      host: place.host,
      workdir: place.workdir,
      sandbox: { mode: 'external', approvals: 'deny-all' },
      story: [[{ type: 'run', command: `echo x > ${place.outside}/new` }], [{ type: 'say', text: 'Done.' }]],
    });
    await task.conversation.run('Go');
    await access(join(place.outside, 'new'));
    expect(task.conversation.sandbox).toMatchObject({ confinedBy: 'external', checks: [] });
  });
});

describe('Codex 0.142.5', () => {
  it('is not started for root, whom its sandbox does not hold', async () => {
    await using place = await createConfinedPlace();
    const host = { ...place.host, uid: 0 };
    const starting = place.run('true', { version: '0.142.5', host, allowEscapableRoot: false });
    expect((await failure(starting)).code).toBe('root-refused');
  });
});

describe('Codex 0.169.0', () => {
  it('is not started where its socket folder is not its own, and the message names that folder', async () => {
    await using place = await createConfinedPlace();
    const codex = await codexBinary('0.169.0');
    const path = await codexOnMachine(place, codex, 'mkdir -m 755 /tmp/codex-daemon-0');
    const error = await failure(place.run('true', { version: '0.169.0', binary: { path } }));
    expect(error.code).toBe('probe-failed');
    expect(error.message).toContain(`/tmp/codex-daemon-${place.host.uid}`);
  });
});

async function onPath(program: string): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error(`${program} is not on PATH.`);
}
