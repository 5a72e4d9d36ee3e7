import picomatch from 'picomatch';

/**
 * Whether a relative path is left out. A glob without a slash matches a name at any depth (`node_modules`, `*.log`),
 * one with a slash the path from the root (`build/cache`). What lies in a folder that is left out is left out too.
 */
export function createExclude(globs: readonly string[]): (relativePath: string) => boolean {
  const { anywhere, fromRoot } = sorted(globs);
  const options = { dot: true };
  const matchesName = anywhere.length === 0 ? () => false : picomatch(anywhere, options);
  const matchesPath = fromRoot.length === 0 ? () => false : picomatch(fromRoot, options);
  return (relativePath) => {
    const name = relativePath.slice(relativePath.lastIndexOf('/') + 1);
    return matchesName(name) || matchesPath(relativePath);
  };
}

/** Those globs that stand for themselves alone, so that everything reads them alike: names at any depth, and paths from the root. */
export function plainExcludes(globs: readonly string[]): {
  readonly names: readonly string[];
  readonly paths: readonly string[];
} {
  const { anywhere, fromRoot } = sorted(globs);
  return {
    names: anywhere.filter((glob) => PLAIN_NAME.test(glob)),
    paths: fromRoot.filter((glob) => glob.split('/').every((name) => PLAIN_NAME.test(name))),
  };
}

const PLAIN_NAME = /^(?!\.+$)[\w.-]+$/;

function sorted(globs: readonly string[]): { readonly anywhere: string[]; readonly fromRoot: string[] } {
  return {
    anywhere: globs.filter((glob) => !glob.includes('/')),
    fromRoot: globs.filter((glob) => glob.includes('/')).map((glob) => glob.replace(/^\/|\/$/g, '')),
  };
}
