/**
 * A rotating OAuth server as a process of its own. Its argument is the options as JSON; its first line says where it listens.
 * Then each line of its input is a call, `{ id, call, args }`, answered by a line `{ id, result }` or `{ id, error: { code, message } }`.
 * It ends with its input.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { openRotatingOAuth } from './rotating-oauth.ts';
import { RotatingOAuthError } from './rotating-oauth-error.ts';
import { parseRotatingOAuthOptions } from './rotating-oauth-options.ts';

const calls = [
  'logIn',
  'approveDevice',
  'fail',
  'release',
  'expireAccess',
  'revoke',
  'waitForRequests',
  'audit',
] as const;

const callSchema = z.strictObject({ id: z.number(), call: z.enum(calls), args: z.array(z.unknown()) });

const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const oauth = await openRotatingOAuth(parseRotatingOAuthOptions(JSON.parse(process.argv[2] ?? '{}')));
say({ issuer: oauth.issuer });

async function answer(line: string): Promise<void> {
  const { id, call, args } = callSchema.parse(JSON.parse(line));
  // The caller's types are those of the same interface; what comes over the line is checked by the called.
  const called: (...args: never[]) => Promise<unknown> = oauth[call];
  try {
    say({ id, result: await called(...(args as never[])) });
  } catch (error) {
    if (!(error instanceof RotatingOAuthError)) throw error;
    say({ id, error: { code: error.code, message: error.message } });
  }
}

for await (const line of createInterface({ input: process.stdin })) void answer(line);
await oauth[Symbol.asyncDispose]();
