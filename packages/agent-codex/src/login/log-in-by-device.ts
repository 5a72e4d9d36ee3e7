import type { Command, Host, HostProcess } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { createOutputTail } from '../app-server/output-tail.ts';
import { createPromptFinder, type DevicePrompt } from './device-prompt.ts';

export interface DeviceLogin {
  readonly onPrompt: (prompt: DevicePrompt) => void | Promise<void>;
  readonly issuer?: string;
  readonly signal: AbortSignal;
}

export const OPENAI_ISSUER = 'https://auth.openai.com';
const TAIL_BYTES = 2 * 1024;
const TERM_MS = 2_000;

/** What Codex says when its own fifteen minutes are over. */
const EXPIRED = /timed out|expired/i;

/** Runs `codex login --device-auth` to its end; its process is gone in any case. @throws {AgentCodexError} `login-refused`, `login-expired`. */
export async function logInByDevice(
  host: Host,
  command: (...args: readonly string[]) => Command,
  { onPrompt, issuer, signal }: DeviceLogin,
): Promise<void> {
  const asked = issuer?.replace(/\/+$/, '');
  const args = asked === undefined ? [] : ['--experimental_issuer', asked];
  await using process = await host.spawn(command('--device-auth', ...args));
  await using errors = createOutputTail(process.stderr, { bytes: TAIL_BYTES });
  const { exit, isShown } = await toItsEnd(process, signal, async () => {
    const isShown = await showPrompt(process, { issuer: asked ?? OPENAI_ISSUER, onPrompt });
    return { exit: await process.closed, isShown };
  });
  if (exit.kind === 'lost') throw exit.cause;
  if (exit.kind === 'exited' && exit.code === 0) return;
  const words = errors.text().trim();
  if (isShown && EXPIRED.test(words))
    throw new AgentCodexError('login-expired', `Nobody has typed the code in time: ${words}`);
  const how = exit.kind === 'exited' ? `exit code ${exit.code}` : exit.name;
  throw new AgentCodexError(
    'login-refused',
    `Codex did not log in by device code (${how}): ${words || 'it said nothing'}`,
  );
}

/** It does not care for the end of its input, so that it is told to end by a signal as soon as nobody waits for it any more. */
async function toItsEnd<T>(process: HostProcess, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const end = async (): Promise<unknown> => await process.end({ from: 'term', graceMs: TERM_MS });
  // What cannot be ended is not waited for.
  const failed = Promise.withResolvers<never>();
  const onAbort = (): void => void end().catch(failed.reject);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const result = await Promise.race([work(), failed.promise]);
    signal.throwIfAborted();
    return result;
  } catch (failure) {
    await end();
    throw failure;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Reads to the end of the output, so that Codex never stalls. Gives whether there was a prompt. */
async function showPrompt(
  { stdout }: HostProcess,
  { issuer, onPrompt }: { readonly issuer: string; readonly onPrompt: DeviceLogin['onPrompt'] },
): Promise<boolean> {
  const find = createPromptFinder(issuer);
  const failed = Promise.withResolvers<never>();
  const read = async (): Promise<boolean> => {
    const decoder = new TextDecoder();
    let isShown = false;
    for await (const chunk of stdout) {
      const prompt = find(decoder.decode(chunk, { stream: true }));
      if (prompt === undefined) continue;
      isShown = true;
      // It may wait for the person; Codex goes on waiting for the provider meanwhile.
      Promise.resolve(onPrompt(prompt)).catch(failed.reject);
    }
    return isShown;
  };
  return await Promise.race([read(), failed.promise]);
}
