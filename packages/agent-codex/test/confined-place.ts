import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Host, type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import type { ScriptedModel } from '../src/testing/index.ts';
import type { HostUnderTest } from './hosts-under-test.ts';
import { openScriptedTask, type ScriptedTaskOptions } from './scripted-task.ts';
import { openSshPlace } from './ssh-place.ts';

/** Must never reach a command. */
export const canaries = {
  taskLogin: 'sk-canary-of-the-task',
  operatorLogin: 'sk-canary-of-the-operator',
  variable: 'canary-in-a-variable',
} as const;

/** A machine to be confined on: a workdir with a repository, folders around it, and an operator's home with a login. */
export interface ConfinedPlace extends AsyncDisposable {
  readonly root: string;
  readonly workdir: string;
  readonly granted: string;
  readonly outside: string;
  readonly host: Host;
  /** A service on loopback, and how many have reached it. */
  readonly service: { readonly port: number; readonly visits: () => number };
  /** Runs one command in a turn of the real Codex and gives what the model was told about it. */
  run(command: string, options: Omit<ScriptedTaskOptions, 'story'>): Promise<string>;
  /** A program outside of the workdir. */
  program(name: string, script: string): Promise<HostPath>;
}

export interface ConfinedPlaceOptions {
  /** Of the program that the place's host belongs to. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly where?: HostUnderTest['where'];
}

export async function createConfinedPlace({
  env = process.env,
  where = 'on this machine',
}: ConfinedPlaceOptions = {}): Promise<ConfinedPlace> {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp('/var/tmp/seedbed-confined-');
  stack.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const place = {
    root,
    workdir: join(root, 'task', 'work'),
    granted: join(root, 'granted'),
    outside: join(root, 'outside'),
  };
  const operator = join(root, 'operator');
  for (const folder of [
    join(place.workdir, '.git'),
    place.granted,
    place.outside,
    join(operator, '.codex'),
  ]) {
    await mkdir(folder, { recursive: true });
  }
  await writeFile(join(operator, '.codex', 'auth.json'), canaries.operatorLogin);
  await writeFile(join(place.outside, 'plain'), 'to be read by everybody');
  const host =
    where === 'through SSH'
      ? stack.use(await openSshPlace({ config: [operatorLogin(operator)] })).host
      : stack.use(
          createLocalHost({ env: { ...env, OPENAI_API_KEY: canaries.variable }, home: hostPath(operator) }),
        );
  const service = await listen();
  stack.use(service);
  const ended = stack.move();
  return {
    ...place,
    host,
    service,
    run: (command, options) => runInTurn(command, { workdir: place.workdir, host, ...options }),
    async program(name, script) {
      const path = join(root, name);
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      return hostPath(path);
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

/** The login of the operator on an sshd. At this depth of shells bash reads no start files; of several such lines the first counts. */
function operatorLogin(home: string): string {
  return `SetEnv SHLVL=1 HOME=${home} OPENAI_API_KEY=${canaries.variable}`;
}

async function runInTurn(command: string, options: Omit<ScriptedTaskOptions, 'story'>): Promise<string> {
  await using task = await openScriptedTask({
    story: [[{ type: 'run', command, yieldMs: 30_000 }], [{ type: 'say', text: 'Done.' }]],
    login: { type: 'api-key', apiKey: canaries.taskLogin },
    ...options,
  });
  const { outcome } = await task.conversation.run('Go');
  if (outcome.status !== 'completed') throw new Error(`The turn ended as ${JSON.stringify(outcome)}.`);
  return toolOutput(task.model);
}

/** What the model was told last that a command had printed. */
export function toolOutput(model: ScriptedModel): string {
  const output = model.requests.flatMap(({ input }) => input).findLast((item) => item.type === 'tool-output');
  if (output?.type !== 'tool-output') throw new Error('No command was run.');
  return output.text;
}

async function listen(): Promise<AsyncDisposable & ConfinedPlace['service']> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The service has no port.');
  return {
    port: address.port,
    visits: () => visits,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
