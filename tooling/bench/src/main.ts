// Usage: node tooling/bench/src/main.ts [topic…] [--json FILE] [--list]
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '@seedbed/tasks/workspace';
import { BenchUsageError, findTopics, loadTopic, selectTopics } from './discovery.ts';
import { json, type TopicResult, table } from './report.ts';

/** The folder in which the person typed the command, whatever npm made of it. */
const typedIn = process.env['INIT_CWD'] ?? process.cwd();

async function main(signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseCommandLine();
  const topics = findTopics(ROOT);
  if (values.list === true) {
    console.log([...topics.keys()].join('\n'));
    return;
  }
  const files = selectTopics(topics, positionals);
  const loaded = await Promise.all(files.map((file) => loadTopic(ROOT, file)));
  const results: TopicResult[] = [];
  for (const topic of loaded) {
    const progress = (line: string): void => console.error(`${topic.name}: ${line}`);
    progress('measuring …');
    for (const result of await topic.measure({ signal, progress }))
      results.push({ topic: topic.name, ...result });
  }
  console.log(table(results));
  if (values.json !== undefined) await writeFile(resolve(typedIn, values.json), json(results));
}

function parseCommandLine() {
  try {
    const options = { json: { type: 'string' }, list: { type: 'boolean' } } as const;
    const parsed = parseArgs({ options, allowPositionals: true });
    if (parsed.values.json === undefined && process.env['npm_config_json'] === 'true') {
      throw new Error('npm took --json for its own: write "--" before it');
    }
    return parsed;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BenchUsageError(`${why}. Usage: npm run bench -- [topic …] [--json FILE] [--list]`, {
      cause: error,
    });
  }
}

const stop = new AbortController();
let received: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    received = signal;
    stop.abort(new Error(`Stopped by ${signal}.`));
  });
}

try {
  await main(stop.signal);
} catch (error) {
  if (received !== undefined) process.kill(process.pid, received);
  else if (!(error instanceof BenchUsageError)) throw error;
  else {
    console.error(error.message);
    process.exitCode = 1;
  }
}
