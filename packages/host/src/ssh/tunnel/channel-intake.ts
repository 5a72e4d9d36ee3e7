import type { HostListener } from '../../host.ts';
import type { HostError } from '../../host-error.ts';
import { createWaitingConnections } from '../../waiting-connections.ts';
import type { Connection } from '../connection/connection.ts';
import type { Opening } from './bind-request.ts';
import { type ChannelConnection, channelConnection } from './channel-connection.ts';

/** What comes to a listener on the host, over one SSH connection after the other. */
export interface ChannelIntake {
  readonly connections: HostListener['connections'];
  hear(connection: Connection, opening: Opening): void;
  /** See `WaitingConnections`. */
  end(cause?: HostError): void;
  /** Closes those that have been taken. */
  close(): Promise<void>;
}

/** `name` gives the listener's, for messages. */
export function createChannelIntake(name: () => string): ChannelIntake {
  const waiting = createWaitingConnections();
  const open = new Set<ChannelConnection>();
  return {
    connections: waiting.connections,
    hear({ lost }, { accept, reject }) {
      waiting.add({
        take() {
          if (lost.aborted) return undefined;
          const one = channelConnection(accept(), lost, `a client of ${name()}`);
          open.add(one);
          void one.closed.then(() => open.delete(one));
          return one;
        },
        turnAway() {
          if (!lost.aborted) reject();
        },
      });
    },
    end: waiting.end,
    async close() {
      await Promise.all([...open].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}
