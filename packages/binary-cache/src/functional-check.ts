import { type Host, HostError, type HostPath, run } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { describeEnd, succeeded, throwIfLost } from './host-command.ts';
import { hostFailure } from './host-failure.ts';
import type { Release } from './release.ts';

export interface FunctionalCheckOptions {
  /** An empty folder that the program may take for its home. */
  readonly home: HostPath;
  readonly signal: AbortSignal;
}

const deadlineMs = 30_000;

/**
 * Runs the program and compares what it prints with what the release says.
 *
 * @throws {BinaryCacheError} `functional-check-failed`, `aborted`.
 */
export async function checkProgram(
  host: Host,
  release: Release,
  executable: HostPath,
  { home, signal }: FunctionalCheckOptions,
): Promise<void> {
  const shown = [executable, ...release.expect.args].join(' ');
  try {
    const result = await run(
      host,
      {
        argv: [executable, ...release.expect.args],
        cwd: home,
        env: { HOME: home, TMPDIR: home },
      },
      { signal, timeoutMs: deadlineMs, maxOutputBytes: 4096 },
    );
    throwIfLost(result, `Running \`${shown}\``);
    if (succeeded(result) && result.stdout === release.expect.stdout) return;
    const printed = succeeded(result)
      ? `it printed ${JSON.stringify(result.stdout.slice(0, 200))}`
      : describeEnd(result);
    throw new BinaryCacheError(
      'functional-check-failed',
      `\`${shown}\` should print ${JSON.stringify(release.expect.stdout)}, but ${printed}.`,
    );
  } catch (error) {
    if (
      error instanceof HostError &&
      (error.code === 'command-not-executable' || error.code === 'command-not-found')
    ) {
      throw new BinaryCacheError(
        'functional-check-failed',
        `\`${shown}\` cannot be started: ${error.message} It may be made for another platform, or its folder be mounted \`noexec\`.`,
        { cause: error },
      );
    }
    if (error instanceof HostError && error.code === 'timeout') {
      throw new BinaryCacheError('functional-check-failed', `\`${shown}\` did not end: ${error.message}`, {
        cause: error,
      });
    }
    throw hostFailure(error, `Running \`${shown}\``, signal);
  }
}
