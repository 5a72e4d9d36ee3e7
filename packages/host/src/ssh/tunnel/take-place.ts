import type { ConnectTarget } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { type CheckedPlace, placeName } from '../../listen-place.ts';
import type { Connection } from '../connection/connection.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { type Binding, type Opening, requestBinding } from './bind-request.ts';
import { boundAddresses, checkBoundAddress, isBound } from './bound-addresses.ts';
import {
  claimRemoteSocket,
  clearRemotePlace,
  removeRemoteSocket,
  type SocketIdentity,
} from './dead-socket.ts';

/** A place on the host at which one connection's sshd listens. */
export interface TakenPlace {
  readonly target: ConnectTarget;
  /** Of a socket. */
  readonly identity: SocketIdentity | undefined;
  /** Stops the listening; a socket is removed. */
  release(): Promise<void>;
}

export interface TakePlaceOptions {
  readonly connection: Connection;
  /** Not called before it is certain that the place is the one that was asked for. */
  readonly onOpening: (opening: Opening) => void;
}

/** @throws {HostError} the codes of `Host.listen`. Rejects with the reason of `connection.lost` when that aborts. */
export async function takePlace(
  link: SshLink,
  place: CheckedPlace,
  { connection, onOpening }: TakePlaceOptions,
): Promise<TakenPlace> {
  const held: Opening[] = [];
  let isHeld = true;
  const bind = (): Promise<Binding | undefined> =>
    requestBinding(connection, place, {
      withinMs: link.answerWithinMs,
      onOpening(opening) {
        if (isHeld) held.push(opening);
        else onOpening(opening);
      },
    });
  const taken = await ('socket' in place
    ? takeSocket(link, connection, { path: place.socket, bind })
    : takePort(link, place, bind)
  ).catch((failure: unknown) => {
    if (!connection.lost.aborted) for (const opening of held) opening.reject();
    throw failure;
  });
  isHeld = false;
  for (const opening of held) onOpening(opening);
  return taken;
}

async function takeSocket(
  link: SshLink,
  connection: Connection,
  { path, bind }: { readonly path: HostPath; readonly bind: () => Promise<Binding | undefined> },
): Promise<TakenPlace> {
  let binding = await bind();
  if (binding === undefined) {
    await clearRemotePlace(link, connection, path);
    binding = await bind();
  }
  if (binding === undefined) {
    throw new HostError('already-exists', `Could not listen on ${path}: somebody else took it just now.`);
  }
  const { release } = binding;
  const identity = await claimRemoteSocket(link, path).catch(async (failure: unknown) => {
    await release();
    throw failure;
  });
  return {
    target: { socket: path },
    identity,
    async release() {
      await Promise.all([release(), removeRemoteSocket(link, path, identity).catch(() => undefined)]);
    },
  };
}

async function takePort(
  link: SshLink,
  { port, address }: Extract<CheckedPlace, { port: number }>,
  bind: () => Promise<Binding | undefined>,
): Promise<TakenPlace> {
  const attempt = `listen on ${placeName({ port, address })}`;
  const binding = await bind();
  if (binding === undefined) {
    const isTaken = port !== 0 && isBound(address, await boundAddresses(link, port, attempt));
    throw isTaken
      ? new HostError('already-exists', `Could not ${attempt}: it is taken.`)
      : refusal(attempt, port);
  }
  try {
    checkBoundAddress(address, await boundAddresses(link, binding.port, attempt), attempt);
  } catch (failure) {
    await binding.release();
    throw failure;
  }
  return { target: { port: binding.port, address }, identity: undefined, release: binding.release };
}

function refusal(attempt: string, port: number): HostError {
  const hint = port > 0 && port < 1_024 ? ' Ports below 1,024 are only for root.' : '';
  return new HostError(
    'permission-denied',
    `Could not ${attempt}: its sshd does not allow it, or the host does not have this address. See AllowTcpForwarding, PermitListen and DisableForwarding, and the key's options.${hint}`,
  );
}
