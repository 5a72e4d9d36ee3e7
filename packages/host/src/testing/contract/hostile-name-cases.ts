import assert from 'node:assert/strict';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { decodeHostPathBytes } from '../../host-path-bytes.ts';
import type { Command } from '../../process.ts';
import { tail } from '../../tail.ts';
import { walk } from '../../walk.ts';
import type { CaseDefinition, ContractSubject } from './contract-case.ts';
import { HOSTILE_NAMES, RAW_NAMES } from './hostile-names.ts';
import { type Named, type NamedOperation, namedOperations } from './named-operations.ts';

const AT_ONCE = 8;
/** Each takes a session of an SSH host for as long as it lasts. */
const WATCHES_AT_ONCE = 3;

/** Names × operations: whatever a file is called, nothing takes its name for anything but a name. */
export const hostileNameCases: readonly CaseDefinition[] = [
  ...namedOperations.flatMap((operation) => inBothKinds(operation, {})),
  ...inBothKinds({ what: 'watches and follows a file', check: followsFile }, { atOnce: WATCHES_AT_ONCE }),
  ...inBothKinds(
    { what: 'runs a program in a folder, with an argument and a variable,', check: runsProgram },
    // A file that is still open for writing, in a process that was forked meanwhile, cannot be executed.
    { needs: ['shell'], atOnce: 1 },
  ),
  {
    name: 'walks hostile names',
    check: (subject) => walksNames(subject, HOSTILE_NAMES),
  },
  {
    name: 'walks names that are not UTF-8',
    needs: ['rawNames'],
    check: (subject) => walksNames(subject, RAW_NAMES),
  },
];

interface Trial {
  readonly needs?: NonNullable<CaseDefinition['needs']>;
  readonly atOnce?: number;
}

function inBothKinds(operation: NamedOperation, { needs = [], atOnce = AT_ONCE }: Trial): CaseDefinition[] {
  return [
    {
      name: `${operation.what} whatever its name`,
      needs,
      check: (subject) => tries(subject, operation, { among: HOSTILE_NAMES, atOnce }),
    },
    {
      name: `${operation.what} whatever the bytes of its name`,
      needs: [...needs, 'rawNames'],
      check: (subject) => tries(subject, operation, { among: RAW_NAMES, atOnce }),
    },
  ];
}

async function tries(
  { host, folder }: ContractSubject,
  { check }: NamedOperation,
  { among, atOnce }: { readonly among: readonly string[]; readonly atOnce: number },
): Promise<void> {
  const pending = [...among.entries()];
  const worker = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [index, name] = next;
      const base = joinHostPath(folder, String(index));
      await host.makeDirectory(base);
      try {
        await check({ host, base, name, path: joinHostPath(base, name) });
      } catch (cause) {
        throw new Error(`with the name ${JSON.stringify(name)}: ${String(cause)}`, { cause });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function followsFile({ host, path }: Named): Promise<void> {
  const controller = new AbortController();
  let text = '';
  const following = (async () => {
    for await (const { bytes } of tail(host, path, { signal: controller.signal })) {
      text += Buffer.from(bytes).toString();
      if (text.endsWith('end')) controller.abort();
    }
  })();
  await host.writeFile(path, 'up to the end');
  await following;
  assert.equal(text, 'up to the end');
}

async function runsProgram({ host, name, path }: Named): Promise<void> {
  const program = joinHostPath(path, name);
  await host.makeDirectory(path);
  await host.writeFile(program, '#!/bin/sh\npwd\nprintf "%s\\n%s" "$1" "$ODD"\n', { mode: 0o755 });
  const expected = `${await host.canonicalize(path)}\n${name}\n${name}`;
  const said = async (command: Command): Promise<string> => {
    const process = await host.spawn(command);
    const text = decodeHostPathBytes(new Uint8Array(await new Response(process.stdout).arrayBuffer()));
    assert.deepEqual(await process.closed, { kind: 'exited', code: 0 });
    return text;
  };
  assert.equal(await said({ argv: [program, name], cwd: path, env: { ODD: name, LANG: 'C' } }), expected);
  // Elsewhere a colon would end the folder's name.
  if (!name.includes(':'))
    assert.equal(await said({ argv: [name, name], cwd: path, env: { ODD: name, PATH: path } }), expected);
}

async function walksNames({ host, folder }: ContractSubject, among: readonly string[]): Promise<void> {
  const expected: string[] = [];
  const plant = async (name: string): Promise<void> => {
    const path = joinHostPath(folder, name);
    await host.makeDirectory(path);
    await host.writeFile(joinHostPath(path, name), name.isWellFormed() ? name : 'raw');
    await host.link(joinHostPath(path, 'link'), name);
    expected.push(name, `${name}/${name}`, `${name}/link`);
  };
  for (const name of among) await plant(name);
  const seen = new Map<string, HostPath>();
  for await (const { relativePath, path, stat } of walk(host, folder)) {
    seen.set(relativePath, path);
    assert.deepEqual(stat, await host.stat(path));
  }
  assert.deepEqual([...seen.keys()], expected.sort(byCodeUnits));
}

/** A folder comes before what is in it, and that before the folder's next neighbour. */
function byCodeUnits(a: string, b: string): number {
  const [one, other] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return one < other ? -1 : one > other ? 1 : 0;
}
