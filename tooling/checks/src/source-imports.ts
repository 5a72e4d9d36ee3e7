import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface SourceImport {
  /** The importing file, relative to the package. */
  readonly file: string;
  readonly specifier: string;
  /** Whether it ends up in what users install: under `src`, and no test. */
  readonly published: boolean;
}

/** Every import, re-export and `import()` of a constant in a package's own sources, types included, as the parser sees them. */
export function sourceImports(folder: string): readonly SourceImport[] {
  return ['src', 'test', 'bench']
    .filter((part) => existsSync(join(folder, part)))
    .flatMap((part) =>
      readdirSync(join(folder, part), { recursive: true, encoding: 'utf8' }).map((name) => join(part, name)),
    )
    .filter((file) => /\.(ts|tsx|mts|mjs|js)$/.test(file))
    .sort()
    .flatMap((file) => {
      const published = file.startsWith('src/') && !/\.test\.tsx?$/.test(file);
      return specifiers(join(folder, file)).map((specifier) => ({ file, specifier, published }));
    });
}

function specifiers(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  const { module, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path} could not be parsed: ${errors[0].message}`);
  const constants = module.dynamicImports.map(
    ({ moduleRequest: { start, end } }) => /^['"`]([^'"`$]+)['"`]$/.exec(text.slice(start, end))?.[1],
  );
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.map((entry) => entry.moduleRequest?.value)),
    ...constants,
  ].filter((specifier) => specifier !== undefined);
}

/** The npm package that a specifier names; `undefined` for a relative path or a part of Node. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('#') || isBuiltin(specifier)) return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Whether a relative import leads out of the package. */
export function leavesPackage(folder: string, { file, specifier }: SourceImport): boolean {
  if (!specifier.startsWith('.')) return false;
  return relative(folder, resolve(folder, dirname(file), specifier)).startsWith('..');
}
