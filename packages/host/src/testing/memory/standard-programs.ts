import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryProgram } from './memory-program.ts';

/** As much of some POSIX programs as tests of hosts need: `cat` without files, `env -0`, `printf '%s\0' …`, `pwd`, `sleep`, `true`, `false`. */
export const standardPrograms: Readonly<Record<string, MemoryProgram>> = {
  true: () => 0,
  false: () => 1,
  cat: async ({ stdin, stdout }) => await stdin.pipeTo(stdout, { preventClose: true }),
  env: async ({ env, print }) =>
    await print(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\0`)
        .join(''),
    ),
  printf: async ({ argv, print }) =>
    await print(
      argv
        .slice(2)
        .map((argument) => `${argument}\0`)
        .join(''),
    ),
  pwd: async ({ cwd, print }) => await print(`${cwd}\n`),
  sleep: async ({ argv, killed }) => {
    await delay(Number(argv[1]) * 1_000, undefined, { signal: killed, ref: false }).catch(() => undefined);
  },
};
