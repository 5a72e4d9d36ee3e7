import { Client } from 'ssh2';
import { expect, it } from 'vitest';
import { HostError } from '../../host-error.ts';
import type { Connection } from '../connection/connection.ts';
import { type Connections, createConnections } from './connections.ts';
import { WAITING_SHELL } from './host-shell.ts';
import type { LinkChange } from './link-change.ts';

/** Opens no session, and does not refuse one either: so each that is asked for takes its place. */
class SilentClient extends Client {
  override exec(): this {
    return this;
  }
}

interface FakeConnection extends Connection {
  break(): void;
}

function fakeConnection(): FakeConnection {
  const over = new AbortController();
  const lose = (): void => over.abort(new HostError('host-lost', 'The link is down.'));
  return {
    client: new SilentClient(),
    lost: over.signal,
    drained: async () => undefined,
    close: lose,
    break: lose,
  };
}

/** Connections of which the first is full, and whose next one comes as `connect` says. */
function fullConnections(
  connect: () => Promise<Connection>,
): Connections & { readonly first: FakeConnection; readonly states: readonly LinkChange['state'][] } {
  const first = fakeConnection();
  const states: LinkChange['state'][] = [];
  const connections = createConnections(first, {
    connector: { label: 'user@host', connect },
    maxConnections: 2,
    waitMs: 600_000,
    operationTimeoutMs: 600_000,
    idleMs: 600_000,
    reconnectForMs: 600_000,
    onChange: ({ state }) => states.push(state),
  });
  for (let one = connections.live[0]; one?.hasRoom(); ) void one.open(WAITING_SHELL).catch(() => undefined);
  return { ...connections, first, states };
}

it('a further connection that failed is tried again for those who wait for a place', async () => {
  let tries = 0;
  const { whenThere, withRoom, live, close } = fullConnections(async () => {
    tries += 1;
    if (tries === 1) throw new HostError('host-lost', 'The host is busy.');
    return fakeConnection();
  });
  const found = await whenThere(undefined, withRoom);
  expect(live.indexOf(found)).toBe(1);
  expect(tries).toBe(2);
  close();
}, 60_000);

it('that the host is there again is said also when a further connection, just being opened, is the next one', async () => {
  const opening = Promise.withResolvers<Connection>();
  const { withRoom, first, states, close } = fullConnections(() => opening.promise);
  expect(withRoom()).toBeUndefined();
  first.break();
  expect(states).toEqual(['interrupted']);
  opening.resolve(fakeConnection());
  await expect.poll(() => states).toEqual(['interrupted', 'restored']);
  close();
  expect(states).toEqual(['interrupted', 'restored']);
});
