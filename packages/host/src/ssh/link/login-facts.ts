import { HostError } from '../../host-error.ts';
import type { FramedOutput } from './framed-output.ts';
import type { Session } from './ssh-session.ts';

const MAX_LOGIN_BYTES = 1024 * 1024;
const MAX_STORY_BYTES = 500;

/**
 * What the login shell tells between two lines that begin with the mark, whatever it prints before.
 *
 * @throws {HostError} `unsupported` when it ends without, `timeout` when it says nothing for too long, the reason of `session.lost`.
 */
export async function readLoginFacts(
  { channel, lost }: Session,
  stdout: FramedOutput,
  { mark, deadlineMs }: { readonly mark: Buffer; readonly deadlineMs: number },
): Promise<Buffer> {
  let said: Buffer = Buffer.alloc(0);
  const listen = (chunk: Buffer): void => {
    said = Buffer.concat([said, chunk]).subarray(-MAX_STORY_BYTES);
  };
  const story = (): string => {
    const text = said.toString('utf8').trim();
    return text === '' ? 'It printed nothing.' : `It printed: ${text}`;
  };
  const overdue = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const what = `The login shell of this user did not answer within ${deadlineMs} ms.`;
    overdue.reject(new HostError('timeout', `${what} ${story()}`));
  }, deadlineMs);
  channel.on('data', listen);
  channel.stderr.on('data', listen);
  try {
    const told = Promise.all([stdout.until(mark, MAX_LOGIN_BYTES), stdout.until(mark, MAX_LOGIN_BYTES)]);
    const [, { bytes }] = await Promise.race([told, overdue.promise]);
    return bytes;
  } catch (failure) {
    if (lost.aborted || (failure instanceof HostError && failure.code === 'timeout')) throw failure;
    const what = 'The login shell of this user does not run what it is told.';
    throw new HostError('unsupported', `${what} ${story()}`, { cause: failure });
  } finally {
    clearTimeout(timer);
    channel.off('data', listen);
    channel.stderr.off('data', listen);
  }
}
