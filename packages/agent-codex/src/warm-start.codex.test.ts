import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createBinaryCache } from '@seedbed/binary-cache';
import { createLocalHost } from '@seedbed/host/local';
import { openLinkProxy, openSshd } from '@seedbed/host/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  codexBinary,
  downloadTimeout,
  type SupportedVersion,
  supportedVersions,
} from '../test/codex-binaries.ts';
import { paceHost } from '../test/paced-host.ts';
import { openScriptedTask, type ScriptedTaskOptions } from '../test/scripted-task.ts';
import { connectTo } from '../test/ssh-place.ts';
import { recordWire } from '../test/wire-recorder.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** What a start asked of its host: in how many steps, how many processes it started, and what it then asked of Codex. */
async function askedBy(options: Omit<ScriptedTaskOptions, 'story' | 'host'>) {
  const wire = recordWire(createLocalHost());
  const { host, steps } = paceHost(wire.host);
  await using task = await openScriptedTask({ ...options, host, story: [] });
  const requests = wire.sent.map((line): { id?: number; method: string } => JSON.parse(line));
  await task.conversation.end();
  return {
    steps: steps.map((step) => new Set(step.map((asked) => asked.split(' ')[0]))),
    processes: steps.flat().filter((asked) => asked.startsWith('spawn')).length,
    requests: requests.filter(({ id }) => id !== undefined).map(({ method }) => method),
  };
}

/** A folder for tasks, in which one was opened before. */
async function usedBefore(version: SupportedVersion) {
  const root = await mkdtemp('/var/tmp/seedbed-warm-');
  const workdir = join(root, 'tasks', 'one');
  await mkdir(workdir, { recursive: true });
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const asked = await askedBy({ version, workdir });
  return { root, workdir, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Much of everything that a task can be given. */
async function much(root: string) {
  const numbers = Array.from({ length: 12 }, (_, index) => index);
  const granted = numbers.map((number) => join(root, `granted-${number}`));
  for (const folder of granted) await mkdir(folder, { recursive: true });
  return {
    tasksFolder: join(root, 'tasks'),
    login: { type: 'api-key', apiKey: 'sk-of-the-task' },
    instructions: 'Be brief. '.repeat(1_000),
    mcpServers: Object.fromEntries(
      numbers.map((number) => [
        `server-${number}`,
        { type: 'http', url: `http://127.0.0.1:9/${number}` } as const,
      ]),
    ),
    sandbox: {
      extraAllowedDirs: granted.map((path) => ({ path, mode: 'rw' })),
      environment: { set: Object.fromEntries(numbers.map((number) => [`SET_${number}`, 'x'.repeat(1_000)])) },
    },
  } as const;
}

describe.each(supportedVersions)('a task of Codex %s whose home was used before', (version) => {
  it('asks its host in three steps, for two processes, and Codex twice, whatever it is given', async () => {
    await using before = await usedBefore(version);
    const warm = {
      steps: [
        new Set(['canonicalize', 'list', 'readFile', 'stat']),
        new Set(['makeDirectory', 'writeFile']),
        new Set(['spawn']),
      ],
      processes: 2,
      requests: ['initialize', 'thread/start'],
    };
    const { workdir } = before;
    expect(await askedBy({ version, workdir })).toEqual(warm);
    expect(await askedBy({ version, workdir, ...(await much(before.root)) })).toEqual(warm);
  });

  it('asks in one step more where its policy names what is not there, however much that is', async () => {
    await using before = await usedBefore(version);
    const missing = Array.from({ length: 12 }, (_, index) =>
      join(before.root, `none-${index}`, 'such', 'folder'),
    );
    const entries = [
      { access: 'read', path: '/' },
      { access: 'write', symbol: ':workdir' },
      ...missing.map((path) => ({ access: 'deny', path })),
    ];
    const sandbox = { profile: { kind: 'managed', entries } };
    const { steps } = await askedBy({ version, workdir: before.workdir, sandbox });
    expect(steps).toHaveLength(4);
  });
});

it('a new task takes three steps more: for where its folders are to be, its home, and its CODEX_HOME', async () => {
  await using before = await usedBefore('0.169.0');
  expect(before.asked.steps).toHaveLength(6);
  expect(before.asked).toMatchObject({ processes: 2, requests: ['initialize', 'thread/start'] });
});

describe.each(supportedVersions)('a task of Codex %s on a host with a round trip of 100 ms', (version) => {
  it('is started in five of them, whatever it is given', async () => {
    await using far = await farHost(version);
    const { roundTrips, root } = far;
    expect(await roundTrips(5, {})).toBe(5);
    expect(await roundTrips(5, await much(root))).toBe(5);
  }, 120_000);

  it('is started in six at the most when its binary is looked up in the cache', async () => {
    await using far = await farHost(version);
    const { roundTrips, root } = far;
    // The look takes one of the shells that are kept ready. Nobody waits for the next one, but what is asked to have it is counted.
    const binary = { cache: createBinaryCache({ sources: [] }) };
    expect(await roundTrips(6, { binary })).toBeLessThanOrEqual(6);
    expect(await roundTrips(6, { binary, ...(await much(root)) })).toBeLessThanOrEqual(6);
  }, 120_000);
});

/** A host across a slow link, on which a task was opened before. */
async function farHost(version: SupportedVersion) {
  await using stack = new AsyncDisposableStack();
  const sshd = stack.use(await openSshd());
  const link = stack.use(await openLinkProxy(sshd, { delayMs: 100 }));
  const host = stack.use(await connectTo(sshd, link));
  const { root, workdir } = stack.use(await usedBefore(version));
  const count = async (delayMs: number, given: Partial<ScriptedTaskOptions>): Promise<number> => {
    link.setDelay(delayMs);
    // What was under way before is done by then, and the shells for processes are ready.
    await delay(500 + 5 * delayMs);
    link.resetRoundTrips();
    await using task = await openScriptedTask({ version, workdir, host, story: [], ...given });
    const taken = link.roundTrips();
    await task.conversation.end();
    return taken;
  };
  const ended = stack.move();
  return {
    root,
    /**
     * The fewest of some tries. On a busy machine this program may be so late with a question that the answer to one beside it has come: then
     * the link counts one more. The longer a round trip, the less that matters.
     */
    async roundTrips(expected: number, given: Partial<ScriptedTaskOptions>): Promise<number> {
      let fewest = Number.POSITIVE_INFINITY;
      for (const delayMs of [100, 100, 400, 400, 800]) {
        fewest = Math.min(fewest, await count(delayMs, given));
        if (fewest <= expected) break;
      }
      return fewest;
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
