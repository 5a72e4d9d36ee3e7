/** The one place where this package reads the environment of the program that it runs in. */
export function readControllerEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
