import { afterAll, describe, expect, it } from 'vitest';
import { type OddServer, openOddServer } from '../../test/odd-server.ts';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import type { Host } from '../host.ts';
import { hostPath } from '../host-path.ts';
import { readText } from '../read-text.ts';
import { run } from '../run.ts';
import { openSshHost } from './index.ts';

/** Eight seconds are enough for what is answered, also where much else is done. */
async function openHost({ options }: OddServer, operationTimeoutMs = 8_000): Promise<Host> {
  return await openSshHost({ ...options, operationTimeoutMs });
}

const MB = 1024 * 1024;

/** Its logins are talkative, as a broken profile makes them. */
const noise = 'head -c 4000000 /dev/zero >&2; eval "$SSH_ORIGINAL_COMMAND"';
const talkative = sshdForTests({ config: [`ForceCommand ${noise}`] });
afterAll(() => talkative.close());

describe('a host whose server hangs, and still gives signs of life', () => {
  it.each([
    ['opens no session', { onSession: 'never answer' }],
    ['answers to no command', { onCommand: 'never answer' }],
    ['starts nothing', { onCommand: 'accept and say nothing' }],
  ] as const)('is not waited for without end when it is opened, where it %s', async (_, oddities) => {
    await using server = await openOddServer(oddities);
    await expect(openHost(server, 500)).rejects.toMatchObject({ name: 'HostError', code: 'timeout' });
    await expect.poll(() => server.connections).toBe(0);
  });

  it.each([
    ['opens no session', 'onSession', 'never answer'],
    ['answers to no command', 'onCommand', 'never answer'],
    ['starts nothing', 'onCommand', 'accept and say nothing'],
  ] as const)(
    'is not waited for without end later, where it %s',
    async (_, what, how) => {
      await using server = await openOddServer();
      await using host = await openHost(server);
      expect((await run(host, { argv: ['echo', 'one'] })).stdout).toBe('one\n');
      Object.assign(server.oddities, { [what]: how });
      const starts = await Promise.allSettled(
        Array.from({ length: 4 }, async () => await run(host, { argv: ['true'] })),
      );
      const codes = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason.code] : []));
      expect(codes.length).toBeGreaterThan(0);
      expect(new Set(codes)).toEqual(new Set(['timeout']));
      expect((await host.stat(hostPath('/')))?.kind).toBe('directory');
      // Those that were kept ready are used up by then, or soon.
      const waiting = (): Promise<string> =>
        host.spawn({ argv: ['true'] }, { signal: AbortSignal.timeout(50) }).then(
          () => 'started',
          ({ code }) => code,
        );
      await expect.poll(waiting).toMatch(/^(aborted|timeout)$/);
      Object.assign(server.oddities, { onSession: 'open', onCommand: 'run' });
      // Some that hang were kept ready.
      const again = (): Promise<string> =>
        run(host, { argv: ['echo', 'two'] }).then(
          ({ stdout }) => stdout,
          ({ code }) => code,
        );
      await expect.poll(again, { timeout: 60_000 }).toBe('two\n');
    },
    120_000,
  );

  it('is not waited for without end to connect or to listen', async () => {
    await using server = await openOddServer({ onForward: 'never answer' });
    await using host = await openHost(server);
    await expect(host.connect({ port: 9 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(host.listen({})).rejects.toMatchObject({ code: 'timeout' });
    expect((await run(host, { argv: ['echo', 'one'] })).stdout).toBe('one\n');
  });
});

describe('a host that says what nobody asked for', () => {
  it('is understood though each of its commands prints megabytes of errors at first', async (context) => {
    talkative.skipWhereMissing(context);
    await using host = await talkative.openHost();
    expect((await host.stat(hostPath('/')))?.kind).toBe('directory');
    const program = ['sh', '-c', 'echo one; echo two >&2'] as const;
    const { stdout, stderr } = await run(host, { argv: program });
    expect([stdout, stderr.slice(-5)]).toEqual(['one\n', '\0two\n']);
    expect(await readText(host, hostPath('/etc/passwd'))).toContain('root');
    await expect(host.readFile(hostPath('/not/there'), { length: 9_000_000 })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('is told from one that answers where it prints without end', async () => {
    await using server = await openOddServer({ onCommand: 'print without end' });
    const before = process.memoryUsage().rss;
    await expect(openHost(server, 1_000)).rejects.toMatchObject({ code: 'timeout' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MB);
  });

  it('loses a process of which it never says how it ended', async () => {
    await using server = await openOddServer();
    await using host = await openHost(server, 30_000);
    server.oddities.onCommand = 'run and never say how it ended';
    const starts = await Promise.all(Array.from({ length: 4 }, () => host.spawn({ argv: ['cat'] })));
    const last = starts.at(-1);
    await last?.stdin.close();
    expect(await last?.exit).toMatchObject({ kind: 'lost', cause: { code: 'host-lost' } });
  });
});
