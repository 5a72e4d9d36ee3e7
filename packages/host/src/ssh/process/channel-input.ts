import type { ClientChannel } from 'ssh2';
import { HostError } from '../../host-error.ts';
import type { ProcessExit } from '../../process.ts';

export interface ChannelSenderOptions {
  readonly exit: Promise<ProcessExit>;
  /** See `Connection`. */
  readonly drained: () => Promise<void>;
  /** For messages, after "Could not". */
  readonly attempt: string;
}

/** As much is given to a channel at once; then is seen to it again that the link keeps up. */
const SLICE_BYTES = 256 * 1024;

/**
 * Sends bytes to a command on the host, one call after the other. A call resolves when its bytes were sent within what host and link take;
 * the end of the command ends its wait, as `io`.
 */
export function channelSender(
  channel: ClientChannel,
  { exit, drained, attempt }: ChannelSenderOptions,
): (bytes: Uint8Array) => Promise<void> {
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
  return async (bytes) => {
    for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
      await drained();
      if (hasEnded) throw gone();
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      await new Promise<void>((resolve, reject) => {
        stopWaiting = () => reject(gone());
        channel.write(slice, (cause) => (cause == null ? resolve() : reject(gone(cause))));
      });
    }
  };
}

/** What a command on the host reads, as a stream. */
export function channelInput(
  channel: ClientChannel,
  { hangUp, ...options }: ChannelSenderOptions & { readonly hangUp: () => void },
): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    write: channelSender(channel, options),
    close: hangUp,
    abort: hangUp,
  });
}
