import { throwIfAborted, unlessAborted } from '../../abort.ts';
import type { HostListener, ListenPlace } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { checkListenPlace, placeName } from '../../listen-place.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { createChannelIntake } from './channel-intake.ts';
import { type Standing, stand, standAgain } from './standing.ts';

/** See `Host.listen`. When the link comes back, it listens at the same place again; what came over the old connection is lost. */
export async function listenRemotely(
  link: SshLink,
  place: ListenPlace,
  signal: AbortSignal | undefined,
): Promise<HostListener> {
  const attempt = `listen on ${placeName(place)}`;
  const checked = checkListenPlace(place);
  throwIfAborted(signal, attempt);
  const intake = createChannelIntake(() => placeName(target));
  const over = new AbortController();
  const undo = ({ taken }: Standing): Promise<void> => taken.release();
  const first = stand(link, checked, { hear: intake.hear, signal });
  let standing: Standing | undefined = await unlessAborted(first, signal, { attempt, undo });
  const { target } = standing.taken;

  const end = (cause: HostError): void => {
    intake.end(cause);
    over.abort(cause);
  };
  const resume = async (last: Standing): Promise<void> => {
    standing = undefined;
    try {
      const next = await standAgain(link, last, { hear: intake.hear, signal: over.signal });
      if (over.signal.aborted) await next.taken.release();
      else keep(next);
    } catch (failure) {
      if (over.signal.aborted) await last.taken.release();
      else end(link.lost.aborted ? link.lost.reason : asHostError(failure, attempt));
    }
  };
  let stopMinding = (): void => undefined;
  const keep = (next: Standing): void => {
    standing = next;
    const { lost } = next.connection;
    const onLost = (): void => {
      if (!over.signal.aborted) void resume(next);
    };
    if (lost.aborted) onLost();
    else lost.addEventListener('abort', onLost, { once: true });
    stopMinding = () => lost.removeEventListener('abort', onLost);
  };
  keep(standing);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    intake.end();
    stopMinding();
    over.abort(new HostError('aborted', `Listening on ${placeName(target)} was ended.`));
    await Promise.all([
      intake.close(),
      standing && unlessLost(standing.taken.release(), standing.connection.lost),
    ]);
  };
  return {
    target,
    connections: intake.connections,
    signal: over.signal,
    async [Symbol.asyncDispose]() {
      closing ??= close();
      await closing;
    },
  };
}

/** What cannot be done over a connection that is gone is gone on with in the background, when there is another. */
async function unlessLost(work: Promise<void>, lost: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onLost = (): void => resolve();
  lost.addEventListener('abort', onLost, { once: true });
  if (lost.aborted) resolve();
  await Promise.race([work, promise]);
  lost.removeEventListener('abort', onLost);
}

function asHostError(failure: unknown, attempt: string): HostError {
  if (failure instanceof HostError) return failure;
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new HostError('io', `Could not ${attempt} again after the link was broken: ${reason}`, {
    cause: failure,
  });
}
