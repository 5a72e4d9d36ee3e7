/** What the demonstration takes from the environment. */
export interface DemoEnvironment {
  /** The key of the real service; used with `--model` only. */
  readonly apiKey: string | undefined;
  /** Where Codex is cached instead of in the repository. */
  readonly cacheDirectory: string | undefined;
  /** Where the person typed the command: npm itself goes to the repository's root. */
  readonly startedIn: string;
  readonly TERM: string | undefined;
}

/**
 * Reads `OPENAI_API_KEY`, else `CODEX_API_KEY`; `CODEX_CACHE_DIR`; `INIT_CWD`, which npm sets; and `TERM`.
 * Colours follow `NO_COLOR` and `FORCE_COLOR`, which Node reads.
 */
export function readDemoEnvironment(env: NodeJS.ProcessEnv, cwd: string): DemoEnvironment {
  return {
    apiKey: env['OPENAI_API_KEY'] || env['CODEX_API_KEY'] || undefined,
    cacheDirectory: env['CODEX_CACHE_DIR'] || undefined,
    startedIn: env['INIT_CWD'] || cwd,
    TERM: env['TERM'],
  };
}
