import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { type CodexSession, type CodexSessionOptions, openCodexSession } from '../src/index.ts';
import type { ScriptedModel } from '../src/testing/index.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';
import { PATIENT } from './patient-deadlines.ts';

/** A folder for the workdirs of a test; Codex refuses a home below /tmp. */
export async function openTasksFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp('/var/tmp/seedbed-session-');
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

export interface SessionTaskOptions
  extends Partial<Omit<CodexSessionOptions, 'model' | 'version' | 'workdir'>> {
  readonly version: SupportedVersion;
  readonly model: ScriptedModel;
  readonly folder: string;
  /** `work` by default. */
  readonly name?: string;
}

/** A session of the real Codex with a scripted model. */
export async function openSessionTask(options: SessionTaskOptions): Promise<CodexSession> {
  const { version, model, folder, name = 'work', host = createLocalHost(), ...rest } = options;
  return await openCodexSession({
    host,
    task: 'task-1',
    workdir: join(folder, name),
    version,
    binary: { path: hostPath(await codexBinary(version)) },
    ...(host.uid === 0 ? { allowEscapableRoot: true } : {}),
    ...rest,
    deadlines: { ...PATIENT, ...rest.deadlines },
    config: { ...model.providerConfig({ offerAllTools: true }), ...rest.config },
    env: { ...model.env, ...rest.env },
  });
}
