// Usage: node tooling/tasks/src/main.ts <test|check|build> [package…]
import { readReport, removeOutputs } from './outputs.ts';
import { closingLines, tally } from './tally.ts';
import { runTurbo } from './turbo-run.ts';
import { ROOT, selectPackages, UnknownPackage, workspacePackages } from './workspace.ts';

/** What each command asks of turbo. Lint looks at the repository as a whole. */
const TASKS = { test: ['lint', 'check', 'test'], check: ['lint', 'check'], build: ['build'] } as const;

function isCommand(word: string): word is keyof typeof TASKS {
  return Object.hasOwn(TASKS, word);
}

async function main(command: string, words: readonly string[]): Promise<number | NodeJS.Signals> {
  if (!isCommand(command)) throw new Error(`There is no command ${command}.`);
  const packages = workspacePackages(ROOT);
  const selected = selectPackages(packages, words);
  removeOutputs(
    ROOT,
    packages.map(({ folder }) => folder),
  );
  const { outcomes, exitCode, interrupted } = await runTurbo(ROOT, TASKS[command], selected);
  if (interrupted !== undefined) return interrupted;

  const result = tally(outcomes, (folder) => readReport(ROOT, folder));
  const failures = [...result.failures];
  if (failures.length === 0 && exitCode !== 0) failures.push(`turbo itself (exit code ${exitCode})`);
  if (outcomes.length === 0) failures.push('nothing was run');
  const lines = closingLines({ ...result, failures }, outcomes.length);
  const skipsFail = process.env['CI'] === 'true' && result.skipped.length > 0;
  if (skipsFail) console.log('A skipped test fails the run in CI.');
  // Counts of tests are the last line of a test run only: types and builds hold none.
  for (const line of command === 'test' ? lines : lines.slice(0, -1)) console.log(line);
  return failures.length > 0 || skipsFail ? 1 : 0;
}

try {
  const [command = '', ...words] = process.argv.slice(2);
  const ending = await main(command, words);
  if (typeof ending === 'string') process.kill(process.pid, ending);
  else process.exitCode = ending;
} catch (error) {
  if (!(error instanceof UnknownPackage)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
