/** The part of `@npmcli/config` that is used here; it ships no types of its own, and those published elsewhere are five majors behind. */
declare module '@npmcli/config' {
  interface ConfigOptions {
    readonly definitions: unknown;
    readonly shorthands: unknown;
    readonly flatten: unknown;
    readonly nerfDarts: readonly string[];
    readonly npmPath: string;
    readonly env: Record<string, string>;
    readonly argv: readonly string[];
    readonly execPath: string;
    readonly cwd: string;
    readonly warn: boolean;
  }
  class Config {
    constructor(options: ConfigOptions);
    load(): Promise<void>;
    readonly flat: Readonly<Record<string, unknown>>;
    find(key: string): string | null;
    get(key: string): unknown;
  }
  export = Config;
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const settings: {
    readonly definitions: unknown;
    readonly shorthands: unknown;
    readonly flatten: unknown;
    readonly nerfDarts: readonly string[];
  };
  export = settings;
}
