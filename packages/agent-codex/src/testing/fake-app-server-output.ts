import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import type { AppServerFault } from './fake-app-server-fault.ts';

/** Where a fake app-server writes. Writes happen in order, and each waits until the reader takes it. */
export interface FakeOutput {
  send(message: unknown): Promise<void>;
  /** Does what the fault says. Resolves when it is done; not at all when the process ends by it. */
  strike(fault: AppServerFault): Promise<void>;
}

interface OrderedWriter {
  /** Resolves when the reader has taken it, and all before it. */
  write(bytes: Buffer): Promise<void>;
  /** After what is under way nothing is written any more. */
  silence(): Promise<void>;
}

export function createFakeOutput(options: { readonly splitBytes: boolean }): FakeOutput {
  const writer = createOrderedWriter(options.splitBytes);
  return {
    send: (message) => writer.write(Buffer.from(`${JSON.stringify(message)}\n`)),
    strike: (fault) => strike(fault, writer),
  };
}

function createOrderedWriter(splitBytes: boolean): OrderedWriter {
  let silent = false;
  let last: Promise<void> = Promise.resolve();
  const writeNow = async (bytes: Buffer): Promise<void> => {
    if (silent) return;
    const pieces = splitBytes ? Array.from(bytes, (byte) => Buffer.of(byte)) : [bytes];
    for (const piece of pieces) {
      await new Promise<void>((resolve) => process.stdout.write(piece, () => resolve()));
      // Pieces that are written at once are read at once.
      if (splitBytes) await nextTurnOfLoop();
    }
  };
  return {
    write(bytes) {
      last = last.then(() => writeNow(bytes));
      return last;
    },
    silence() {
      last = last.then(() => {
        silent = true;
      });
      return last;
    },
  };
}

async function strike(fault: AppServerFault, { write, silence }: OrderedWriter): Promise<void> {
  switch (fault.type) {
    case 'silence':
      return silence();
    case 'garbage':
      await write(
        Buffer.from('thread panicked at src/main.rs\n\n{"method":\n[1,2]\n"text"\nnull\n{"id":{}}\n\u0000\n'),
      );
      return write(Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]));
    case 'long-line':
      return longLine(fault.bytes, write);
    case 'half-line':
      await write(Buffer.from('{"method":"item/agentMessage/delta","params":{"delta":"caf'));
      await write(Buffer.from([0xc3]));
      return process.exit(0);
    case 'exit':
      await silence();
      return process.exit(fault.code);
    case 'kill':
      await silence();
      process.kill(process.pid, fault.signal);
      return new Promise(() => {});
    case 'close-output':
      await silence();
      return closeSync(1);
    case 'stray-answer':
      return write(Buffer.from(`${JSON.stringify({ id: 987_654, result: {} })}\n`));
    case 'stderr-flood':
      return flood(fault.bytes);
    case 'leave-child': {
      const child = spawn('sleep', ['60'], { stdio: ['ignore', 'inherit', 'inherit'] });
      await once(child, 'spawn');
      return child.unref();
    }
    default:
      return;
  }
}

async function longLine(bytes: number, write: (bytes: Buffer) => Promise<void>): Promise<void> {
  const [head, tail] = ['{"method":"warning","params":{"message":"', '"}}\n'];
  const filler = Buffer.alloc(64 * 1024, 'x');
  await write(Buffer.from(head));
  for (let left = bytes - head.length - tail.length; left > 0; left -= filler.length) {
    await write(filler.subarray(0, Math.min(left, filler.length)));
  }
  await write(Buffer.from(tail));
}

/** Waits for nobody: what a real program writes to stderr stops it when nobody reads, and so does this. */
async function flood(bytes: number): Promise<void> {
  const line = Buffer.from(`${'e'.repeat(1023)}\n`);
  for (let left = bytes; left > 0; left -= line.length) {
    await new Promise<void>((resolve) =>
      process.stderr.write(line.subarray(0, Math.min(left, line.length)), () => resolve()),
    );
  }
}
