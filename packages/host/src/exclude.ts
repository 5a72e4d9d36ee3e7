import picomatch from 'picomatch';

/**
 * Whether a relative path is left out. A glob without a slash matches a name at any depth (`node_modules`, `*.log`),
 * one with a slash the path from the root (`build/cache`). What lies in a folder that is left out is left out too.
 * With `!` in front it is a path from the root, in which nothing stands for anything else: neither that nor what lies in it is left out by the others (`!build/cache/kept`), unless a folder
 * that holds it is.
 */
export function createExclude(globs: readonly string[]): (relativePath: string) => boolean {
  const { anywhere, fromRoot, except } = sorted(globs);
  const options = { dot: true };
  const matchesName = anywhere.length === 0 ? () => false : picomatch(anywhere, options);
  const matchesPath = fromRoot.length === 0 ? () => false : picomatch(fromRoot, options);
  return (relativePath) => {
    if (except.some((path) => relativePath === path || relativePath.startsWith(`${path}/`))) return false;
    const name = relativePath.slice(relativePath.lastIndexOf('/') + 1);
    return matchesName(name) || matchesPath(relativePath);
  };
}

/** Globs that stand for themselves alone, so that everything reads them alike. */
export interface PlainExcludes {
  /** At any depth. */
  readonly names: readonly string[];
  /** From the root. */
  readonly paths: readonly string[];
  /** From the root: of these, and of what lies in them, none of the others is meant. */
  readonly except: readonly string[];
}

/** Those that can be said so, and all exceptions from them: none where one of these cannot. */
export function plainExcludes(globs: readonly string[]): PlainExcludes {
  const { anywhere, fromRoot, except } = sorted(globs);
  if (!except.every(isPlainPath)) return { names: [], paths: [], except: [] };
  return {
    names: anywhere.filter((glob) => PLAIN_NAME.test(glob)),
    paths: fromRoot.filter(isPlainPath),
    except,
  };
}

function isPlainPath(path: string): boolean {
  return path.split('/').every((name) => PLAIN_NAME.test(name));
}

const PLAIN_NAME = /^(?!\.+$)[\w.-]+$/;

interface SortedGlobs {
  readonly anywhere: string[];
  readonly fromRoot: string[];
  readonly except: readonly string[];
}

function sorted(all: readonly string[]): SortedGlobs {
  const globs = all.filter((glob) => !glob.startsWith('!'));
  const trimmed = (glob: string): string => glob.replace(/^\/|\/$/g, '');
  return {
    anywhere: globs.filter((glob) => !glob.includes('/')),
    fromRoot: globs.filter((glob) => glob.includes('/')).map(trimmed),
    except: all.filter((glob) => glob.startsWith('!')).map((glob) => trimmed(glob.slice(1))),
  };
}
