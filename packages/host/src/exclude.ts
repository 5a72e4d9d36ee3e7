import picomatch from 'picomatch';

/**
 * Whether a relative path is left out. A glob without a slash matches a name at any depth (`node_modules`, `*.log`),
 * one with a slash the path from the root (`build/cache`). What lies in a folder that is left out is left out too.
 */
export function createExclude(globs: readonly string[]): (relativePath: string) => boolean {
  const anywhere = globs.filter((glob) => !glob.includes('/'));
  const fromRoot = globs.filter((glob) => glob.includes('/')).map((glob) => glob.replace(/^\/|\/$/g, ''));
  const options = { dot: true };
  const matchesName = anywhere.length === 0 ? () => false : picomatch(anywhere, options);
  const matchesPath = fromRoot.length === 0 ? () => false : picomatch(fromRoot, options);
  return (relativePath) => {
    const name = relativePath.slice(relativePath.lastIndexOf('/') + 1);
    return matchesName(name) || matchesPath(relativePath);
  };
}
