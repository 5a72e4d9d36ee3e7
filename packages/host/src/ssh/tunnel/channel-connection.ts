import type { Channel } from 'ssh2';
import { onAborted, retainOutput } from '../../byte-streams.ts';
import type { HostConnection } from '../../host.ts';
import { HostError } from '../../host-error.ts';

/** A forwarded connection, over a channel of its own. `name` is the other end's, for messages. */
export interface ChannelConnection extends HostConnection {
  /** Resolves when the host has closed the channel, or the link is lost. Never rejects. */
  readonly closed: Promise<void>;
}

/** @param lost aborts when the link is gone, with the `HostError` as its reason. */
export function channelConnection(channel: Channel, lost: AbortSignal, name: string): ChannelConnection {
  let isClosed = false;
  let isClosedHere = false;
  /** Ends the wait of the write, or of the closing, that is under way. */
  let wake: (() => void) | undefined;
  const failure = (): HostError | undefined => {
    if (isClosedHere) return new HostError('aborted', `The connection with ${name} was closed on this side.`);
    return lost.aborted ? lost.reason : undefined;
  };
  const closed = channelClosed(channel, lost).then(() => {
    isClosed = true;
    wake?.();
  });
  const hangUp = (): void => {
    isClosedHere = true;
    channel.close();
  };
  const { stream } = retainOutput(channel, `read from ${name}`, {
    failureAtEnd: failure,
    sharesChannel: true,
  });
  return {
    closed,
    readable: stream,
    writable: new WritableStream<Uint8Array>({
      start(controller) {
        onAborted(controller, hangUp);
      },
      async write(chunk) {
        let isTaken = false;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (isClosed) return resolve();
          channel.write(chunk, (cause) => {
            isTaken = cause == null;
            resolve();
          });
        });
        if (isTaken) return;
        throw failure() ?? new HostError('io', `Could not write to ${name}: nobody reads it any more.`);
      },
      async close() {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (isClosed) return resolve();
          channel.end(resolve);
        });
        if (lost.aborted) throw lost.reason;
      },
    }),
    async [Symbol.asyncDispose]() {
      hangUp();
      // One that has failed already says so again.
      if (!stream.locked) await stream.cancel().catch(() => undefined);
    },
  };
}

/**
 * ssh2 lets a write wait for ever when the host closes the channel, and tells of the closing only when everything has been read. The channel's second
 * output, which forwarded connections do not use, tells of it at once.
 */
async function channelClosed(channel: Channel, lost: AbortSignal): Promise<void> {
  channel.on('error', () => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  channel.stderr.once('close', done);
  if ('resume' in channel.stderr) channel.stderr.resume();
  lost.addEventListener('abort', done, { once: true });
  if (lost.aborted) resolve();
  await promise;
  lost.removeEventListener('abort', done);
}
