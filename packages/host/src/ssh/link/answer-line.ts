import type { Readable } from 'node:stream';
import { HostError } from '../../host-error.ts';
import type { Session } from './ssh-session.ts';

/** A login may print this much before the script speaks: shells that greet whoever comes. */
const MAX_NOISE_BYTES = 256 * 1024;
/** So much of its messages is kept meanwhile: the last of them are the script's own. */
const KEPT_MESSAGE_BYTES = 64 * 1024;

export interface AnswerOptions {
  /** For messages, after "Could not". */
  readonly attempt: string;
  /** A host that takes longer hangs. */
  readonly withinMs: number;
}

/**
 * Reads up to the next line that begins with the token, and gives the rest of that line; what follows it stays in the channel.
 *
 * @throws {HostError} `io` when the session ends, or prints too much, before there is one, `timeout` when it takes too long. Rejects with the reason of `session.lost` when that aborts.
 */
export async function nextAnswer(
  { channel, lost }: Session,
  token: string,
  { attempt, withinMs }: AnswerOptions,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const marker = Buffer.from(`\n${token} `);
  let seen = Buffer.alloc(0);
  const look = (): void => {
    for (let chunk: Buffer | null = channel.read(); chunk !== null; chunk = channel.read()) {
      seen = Buffer.concat([seen, chunk]);
      const start = seen.indexOf(marker);
      const end = start < 0 ? -1 : seen.indexOf('\n', start + marker.length);
      if (end >= 0) {
        channel.off('readable', look);
        if (end + 1 < seen.length) channel.unshift(seen.subarray(end + 1));
        resolve(seen.toString('utf8', start + marker.length, end).replace(/\r$/, ''));
        return;
      }
      if (seen.length > MAX_NOISE_BYTES) reject(mute(attempt, seen));
    }
  };
  using _ = keepFlowing(channel.stderr);
  const onTimeout = (): void => {
    const why = `the host did not answer within ${withinMs} ms; it may still do it. ${printed(seen)}`;
    reject(new HostError('timeout', `Could not ${attempt}: ${why}`));
  };
  const timer = setTimeout(onTimeout, withinMs);
  const onEnd = (): void => reject(lost.aborted ? lost.reason : mute(attempt, seen));
  channel.on('readable', look);
  channel.once('end', onEnd);
  channel.once('close', onEnd);
  lost.addEventListener('abort', onEnd, { once: true });
  try {
    look();
    if (channel.readableEnded || lost.aborted) onEnd();
    return await promise;
  } finally {
    clearTimeout(timer);
    channel.off('readable', look);
    channel.off('end', onEnd);
    channel.off('close', onEnd);
    lost.removeEventListener('abort', onEnd);
  }
}

/**
 * Drops what comes of a channel's messages, but for their end: both outputs share one window, and one that nobody takes would hold up the other. Their end is left
 * in the stream: what has been taken out of one that has ended could not be put back.
 */
function keepFlowing(messages: Readable): Disposable {
  const look = (): void => {
    const excess = messages.readableLength - KEPT_MESSAGE_BYTES;
    if (excess > 0) messages.read(excess);
  };
  messages.on('readable', look);
  return { [Symbol.dispose]: () => void messages.off('readable', look) };
}

function mute(attempt: string, seen: Buffer): HostError {
  return new HostError(
    'io',
    `Could not ${attempt}: the host's shell did not run the script. ${printed(seen)}`,
  );
}

function printed(seen: Buffer): string {
  const said = seen.toString('utf8').trim().slice(-500);
  return said === '' ? 'It printed nothing.' : `It printed: ${said}`;
}
