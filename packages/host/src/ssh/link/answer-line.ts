import { HostError } from '../../host-error.ts';
import type { Session } from './ssh-session.ts';

/** A login may print this much before the script speaks: shells that greet whoever comes. */
const MAX_NOISE_BYTES = 256 * 1024;

/**
 * Reads up to the next line that begins with the token, and gives the rest of that line; what follows it stays in the channel.
 *
 * @throws {HostError} `io` when the session ends, or prints too much, before there is one. Rejects with the reason of `session.lost` when that aborts.
 */
export async function nextAnswer(
  { channel, lost }: Session,
  token: string,
  attempt: string,
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
    channel.off('readable', look);
    channel.off('end', onEnd);
    channel.off('close', onEnd);
    lost.removeEventListener('abort', onEnd);
  }
}

function mute(attempt: string, seen: Buffer): HostError {
  const said = seen.toString('utf8').trim().slice(-500);
  const what = said === '' ? 'It printed nothing.' : `It printed: ${said}`;
  return new HostError('io', `Could not ${attempt}: the host's shell did not run the script. ${what}`);
}
