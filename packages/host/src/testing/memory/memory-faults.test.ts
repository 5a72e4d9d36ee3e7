import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { forward, hostPath, run } from '../../index.ts';
import { createMemoryHost, type MemoryProgram } from '../index.ts';

const forever: MemoryProgram = () => new Promise<void>(() => undefined);

describe('a memory host has faults on demand', () => {
  it('loses its processes, with what they printed, when the link is cut', async () => {
    const host = createMemoryHost({
      programs: {
        chatty: async (context) => {
          await context.print('before');
          await forever(context);
        },
      },
    });
    const process = await host.spawn({ argv: ['chatty'] });
    const reader = process.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('before');
    host.lose(new Error('the cable was pulled'));
    expect(await process.exit).toMatchObject({
      kind: 'lost',
      cause: { code: 'host-lost', message: 'the cable was pulled' },
    });
    await expect(reader.read()).rejects.toMatchObject({ code: 'host-lost' });
    expect(host.signal.aborted).toBe(true);
    await expect(host.stat(host.home)).rejects.toMatchObject({ code: 'host-lost' });
    await expect(host.spawn({ argv: ['true'] })).rejects.toMatchObject({ code: 'host-lost' });
  });

  it('ends a watch with the loss, so that it is not taken for the end', async () => {
    const host = createMemoryHost();
    const watching = host.watch(host.home, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await watching.next();
    const next = watching.next();
    host.lose();
    await expect(next).rejects.toMatchObject({ code: 'host-lost' });
  });

  it('tells a checked run that the host was lost, not that the command failed', async () => {
    const host = createMemoryHost({ programs: { forever } });
    const running = run(host, { argv: ['forever'] }, { check: true });
    setTimeout(() => host.lose(), 5);
    await expect(running).rejects.toMatchObject({ code: 'host-lost' });
  });

  it('lets a program ignore SIGTERM, and nothing ignore SIGKILL', async () => {
    const heard: string[] = [];
    const host = createMemoryHost({
      programs: {
        stubborn: async (context) => {
          context.trap('SIGTERM', () => heard.push('SIGTERM'));
          await forever(context);
        },
      },
    });
    const process = await host.spawn({ argv: ['stubborn'] });
    expect(await process.end({ graceMs: 5 })).toEqual({ kind: 'signaled', name: 'SIGKILL' });
    expect(heard).toEqual(['SIGTERM']);
  });

  it('turns what a program throws into its failure', async () => {
    const host = createMemoryHost({
      programs: {
        '/opt/broken': () => {
          throw new Error('no disk');
        },
      },
    });
    const result = await run(host, { argv: ['/opt/broken'] });
    expect(result).toMatchObject({ exit: { kind: 'exited', code: 1 }, stderr: 'no disk\n' });
  });

  it('has services that a forward leads to', async () => {
    const host = createMemoryHost();
    const socket = hostPath('/run/echo.sock');
    const stop = host.serve({ socket }, ({ readable, writable }) => void readable.pipeTo(writable));
    await using leading = await forward(host, { socket });
    const client = connect({ port: leading.port, host: leading.address });
    client.end('hello');
    let answer = '';
    for await (const chunk of client) answer += chunk;
    expect(answer).toBe('hello');
    stop();
    await expect(host.connect({ socket })).rejects.toMatchObject({ code: 'not-found' });
  });
});
