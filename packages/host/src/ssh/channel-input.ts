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
  /** Ends the wait of the write that is under way: one at a time, so that nothing piles up over a long life. */
  let stopWaiting: (() => void) | undefined;
  void exit.then(() => {
    hasEnded = true;
    stopWaiting?.();
  });
  const gone = (cause?: Error): HostError => {
    const why = cause === undefined ? 'nobody reads it any more.' : cause.message;
    return new HostError('io', `Could not ${attempt}: ${why}`, { cause });
  };
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      if (hasEnded) throw gone();
      await new Promise<void>((resolve, reject) => {
        stopWaiting = () => reject(gone());
        channel.write(chunk, (cause) => (cause == null ? resolve() : reject(gone(cause))));
      });
    },
    close: hangUp,
    abort: hangUp,
  });
}
