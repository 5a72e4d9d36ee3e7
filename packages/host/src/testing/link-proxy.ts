import { connect, createServer, type Socket } from 'node:net';
import { listenOnLoopback } from '../listen-on-loopback.ts';
import { checkPort, checkTime } from '../option-values.ts';
import { createDelayLine, type DelayLine } from './delay-line.ts';
import { countRoundTrips } from './round-trip-count.ts';

/** `up` is from the client to the target. */
export type LinkDirection = 'up' | 'down';

export interface LinkProxyOptions {
  /** What a round trip takes longer, in milliseconds: half of it is added in each direction. 0 by default. */
  readonly delayMs?: number;
}

/**
 * A network link for tests, between clients on this machine and one TCP service: slow, cut or dead on demand.
 * Order, back-pressure, half-closed connections and resets pass through it as they are.
 */
export interface LinkProxy extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Changes `delayMs` for what is sent from now on. */
  setDelay(delayMs: number): void;
  /** Resets all connections on both sides at once; what was under way is lost. New ones can be made. */
  cut(): void;
  /** Resets all connections for the clients. The target learns nothing of it: its ends stay open and silent, until `cut` or disposal. New ones can be made. */
  strand(): void;
  /** Cuts, once, when so many more bytes have passed in this direction, over all connections together: none after them arrives. */
  cutAfter(bytes: number, direction: LinkDirection): void;
  /** From now on each new connection is taken and reset at once. Those that are open stay. */
  refuse(): void;
  /** Ends `refuse`. */
  accept(): void;
  /** A dead link: nothing flows any more in either direction, not even an end or a reset, and nothing is closed. A new connection is taken and stays silent. */
  stall(): void;
  /** Ends `stall`: all that was sent meanwhile arrives. */
  resume(): void;
  /** How many connections clients have open. */
  connections(): number;
  /** How many bytes were handed on since the proxy was opened. */
  bytes(direction: LinkDirection): number;
  /**
   * How often a client waited for the target: the longest chain of "sent after an answer had come", over all connections together (they are taken for one
   * client). Questions that are sent at once count once, questions that are sent one after the other's answer count each; what nobody answered counts not.
   * What is sent before an answer is read, but after it was handed on, is taken for its consequence: with a delay of some milliseconds that is rare.
   * Making a TCP connection counts nothing.
   */
  roundTrips(): number;
  /** Counts from 0. The answer to what was sent before counts for nothing. */
  resetRoundTrips(): void;
}

/**
 * Listens on a loopback port and leads each connection to `target`. The connection itself is made without a delay.
 * In each direction of a connection up to 64 MiB are under way before the sender is held back: a delay does not make it narrow.
 *
 * @throws {HostError} `io` when this machine gives no port.
 */
export async function openLinkProxy(
  target: { readonly host: string; readonly port: number },
  options: LinkProxyOptions = {},
): Promise<LinkProxy> {
  checkTime(options.delayMs, 'delayMs');
  checkPort(target.port, 'port');
  const roundTrips = countRoundTrips();
  const passed = { up: 0, down: 0 };
  const left = { up: Infinity, down: Infinity };
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const lines = new Set<DelayLine>();
  let delayMs = options.delayMs ?? 0;
  let isRefusing = false;
  let resumed: PromiseWithResolvers<void> | undefined;

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    // What becomes of a break is the delay line's to say.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  const cut = (): void => {
    for (const socket of sockets) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  const handOn = (chunk: Buffer, to: Socket, direction: LinkDirection): boolean => {
    const admitted = chunk.subarray(0, left[direction]);
    left[direction] -= admitted.byteLength;
    passed[direction] += admitted.byteLength;
    if (left[direction] > 0) return to.write(admitted);
    to.write(admitted, () => {
      if (left[direction] > 0) return;
      left[direction] = Infinity;
      cut();
    });
    return false;
  };
  const lead = (from: Socket, to: Socket, direction: LinkDirection): void => {
    const line = createDelayLine({
      from,
      to,
      delayMs: () => delayMs / 2,
      onRead: direction === 'up' ? roundTrips.fromClient : roundTrips.fromServer,
      handOn: (chunk) => handOn(chunk, to, direction),
    });
    lines.add(line);
    to.once('close', () => lines.delete(line));
  };
  const take = async (client: Socket): Promise<void> => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    keep(client);
    while (resumed !== undefined) await resumed.promise;
    if (client.destroyed) return;
    const service = connect({ ...target, allowHalfOpen: true, noDelay: true });
    keep(service);
    lead(client, service, 'up');
    lead(service, client, 'down');
  };
  const resume = (): void => {
    resumed?.resolve();
    resumed = undefined;
    for (const line of lines) line.flow();
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
    if (isRefusing) client.resetAndDestroy();
    else void take(client);
  });
  return {
    host: '127.0.0.1',
    port: await listenOnLoopback(server),
    setDelay(ms) {
      delayMs = ms;
    },
    cut,
    strand() {
      for (const line of lines) line.stall();
      lines.clear();
      for (const client of clients) client.resetAndDestroy();
    },
    cutAfter(bytes, direction) {
      left[direction] = bytes;
    },
    refuse() {
      isRefusing = true;
    },
    accept() {
      isRefusing = false;
    },
    stall() {
      resumed ??= Promise.withResolvers();
      for (const line of lines) line.stall();
    },
    resume,
    connections: () => clients.size,
    bytes: (direction) => passed[direction],
    roundTrips: roundTrips.count,
    resetRoundTrips: roundTrips.reset,
    async [Symbol.asyncDispose]() {
      isRefusing = true;
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      cut();
      resume();
      await Promise.all([...closed, new Promise((resolve) => server.close(resolve))]);
    },
  };
}
