import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type AppServerFault, appServerFaultSchema } from './fake-app-server-fault.ts';

export interface FakeAppServerOptions {
  readonly faults?: readonly AppServerFault[];
  /** The version that it claims to be. Default 0.169.0. */
  readonly version?: string;
  /** What it says in each turn. Default `Grüße 🌱`. */
  readonly says?: string;
  /** Members that replace those of its own results, by method. Example: another sandbox in the result of `thread/start`. */
  readonly answers?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const fakeAppServerOptionsSchema: z.ZodType<FakeAppServerOptions> = z.strictObject({
  faults: z.array(appServerFaultSchema).exactOptional(),
  version: z.string().exactOptional(),
  says: z.string().exactOptional(),
  answers: z.record(z.string(), z.record(z.string(), z.unknown())).exactOptional(),
});

/**
 * The command that starts a program which talks like `codex app-server` and fails as it is told to. It runs under the Node of its caller,
 * touches no file and needs no environment. Further arguments are passed over, except `--version`.
 */
export function fakeAppServerCommand(options: FakeAppServerOptions = {}): {
  readonly argv: readonly [string, ...string[]];
} {
  const source = new URL('./fake-app-server.ts', import.meta.url);
  // Packed, this file and the program beside it are JavaScript.
  const program = import.meta.url.endsWith('.ts') ? source : new URL(source.href.replace(/\.ts$/, '.js'));
  return { argv: [execPath, fileURLToPath(program), JSON.stringify(options)] };
}
