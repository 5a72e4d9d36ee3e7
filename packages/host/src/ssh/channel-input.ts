import type { ClientChannel } from 'ssh2';
import { HostError } from '../host-error.ts';
import type { ProcessExit } from '../process.ts';

export interface ChannelInputOptions {
  readonly exit: Promise<ProcessExit>;
  /** For messages, after "Could not". */
  readonly attempt: string;
  readonly hangUp: () => void;
}

/** What a command on the host reads. A write resolves when it was sent within what the host allows; the end of the command ends its wait, as `io`. */
export function channelInput(
  channel: ClientChannel,
  { exit, attempt, hangUp }: ChannelInputOptions,
): WritableStream<Uint8Array> {
  let hasEnded = false;
  const ended = exit.then((): never => {
    hasEnded = true;
    throw new HostError('io', `Could not ${attempt}: nobody reads it any more.`);
  });
  ended.catch(() => undefined);
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      if (hasEnded) return await ended;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      channel.write(chunk, (cause) => {
        if (cause == null) return resolve();
        reject(new HostError('io', `Could not ${attempt}: ${cause.message}`, { cause }));
      });
      await Promise.race([promise, ended]);
    },
    close: hangUp,
    abort: hangUp,
  });
}
