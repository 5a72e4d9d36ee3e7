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

export function createFakeOutput(options: { readonly splitBytes: boolean }): FakeOutput {
  let silent = false;
  let last: Promise<void> = Promise.resolve();

  const writeNow = async (bytes: Buffer): Promise<void> => {
    if (silent) return;
    const pieces = options.splitBytes ? Array.from(bytes, (byte) => Buffer.of(byte)) : [bytes];
    for (const piece of pieces) {
      await new Promise<void>((resolve) => process.stdout.write(piece, () => resolve()));
      // Pieces that are written at once are read at once.
      if (options.splitBytes) await nextTurnOfLoop();
    }
  };
  const write = (bytes: Buffer): Promise<void> => {
    last = last.then(() => writeNow(bytes));
    return last;
  };
  const text = (value: string): Promise<void> => write(Buffer.from(value));

  const strike = async (fault: AppServerFault): Promise<void> => {
    switch (fault.type) {
      case 'silence':
        await last;
        silent = true;
        return;
      case 'garbage':
        await text('thread panicked at src/main.rs\n\n{"method":\n[1,2]\n"text"\nnull\n{"id":{}}\n\u0000\n');
        return write(Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]));
      case 'long-line':
        return longLine(fault.bytes, write);
      case 'half-line':
        await text('{"method":"item/agentMessage/delta","params":{"delta":"caf');
        await write(Buffer.from([0xc3]));
        return process.exit(0);
      case 'exit':
        await last;
        return process.exit(fault.code);
      case 'kill':
        await last;
        process.kill(process.pid, fault.signal);
        return new Promise(() => {});
      case 'close-output':
        await last;
        silent = true;
        return closeSync(1);
      case 'stray-answer':
        return text(`${JSON.stringify({ id: 987_654, result: {} })}\n`);
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
  };
  return { send: (message) => text(`${JSON.stringify(message)}\n`), strike };
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
