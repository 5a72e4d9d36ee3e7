import { Socket, type TcpSocketConnectOpts } from 'node:net';
import { releaseBuffer } from '../../release-memory.ts';

/** The socket below an SSH connection. Its care for memory rests on how ssh2 1.17 treats buffers; `tcp-socket.test.ts` holds it to that. */
export interface TcpSocket {
  readonly socket: Socket;
  /** To be told of the cipher of what comes, whenever keys were exchanged. */
  cipherChanged(incoming: string): void;
}

const READ_BYTES = 256 * 1024;
/** As many reads show whether ssh2 decrypts in place what it is given: whole packets are among them. */
const TRIAL_READS = 16;

/** Connects to a TCP port, without Nagle's delay; fails by the socket's events. Paused: it reads nothing before somebody listens. */
export function openTcpSocket(address: TcpSocketConnectOpts): TcpSocket {
  /** How many more reads are given away as copies; Infinity for all of them. */
  let trialReads = Infinity;
  // Node's own way allocates for each read, which makes half of the garbage of receiving much, and takes a quarter of the time.
  const give = (bytes: Buffer): void => {
    if (trialReads === 0) {
      socket.emit('data', bytes);
      return;
    }
    const copy = Buffer.from(bytes);
    socket.emit('data', copy);
    if (trialReads < Infinity) trialReads = copy.equals(bytes) ? trialReads - 1 : Infinity;
  };
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const socket = new Socket({
    onread: {
      buffer,
      callback(length) {
        give(buffer.subarray(0, length));
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  socket.pause();
  socket.connect(address);
  refineWrite(socket);
  return {
    socket,
    cipherChanged(incoming) {
      // Of what it decrypts with AES-GCM ssh2 keeps nothing (without its native part, which decrypts in place); of ChaCha20 it may keep it until the next read.
      trialReads = incoming.includes('-gcm') ? TRIAL_READS : Infinity;
    },
  };
}

type WriteDone = (failure?: Error | null) => void;

/** Sends what is written in one go as one, where ssh2 writes three pieces for a packet; and gives the memory of large pieces back when they are sent. */
function refineWrite(socket: Socket): void {
  const write = socket.write.bind(socket);
  let isGathering = false;
  // Not in a class: `connect` puts the method of `Socket` back.
  socket.write = (data: Uint8Array | string, encoding?: BufferEncoding | WriteDone, done?: WriteDone) => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      process.nextTick(() => {
        isGathering = false;
        socket.uncork();
      });
    }
    if (typeof encoding === 'string') return write(data, encoding, done);
    if (encoding === undefined && isLargePiece(data)) return write(data, () => releaseBuffer(data.buffer));
    return write(data, encoding);
  };
}

/**
 * Whether it is a packet that ssh2 has encrypted, or the first four bytes of one before it was encrypted, which are sent first: nobody needs either any more
 * when they are sent.
 */
function isLargePiece(data: Uint8Array | string): data is Uint8Array {
  if (typeof data === 'string' || data.byteOffset !== 0) return false;
  return data.byteLength === data.buffer.byteLength || data.byteLength === 4;
}
