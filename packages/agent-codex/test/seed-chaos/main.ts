/** `node test/seed-chaos/main.ts [--store sqlite|mongodb] [--seconds 240] [--shared] [--number N] [--keep]`: the long run. MongoDB is found as tests find it. */
import { parseArgs } from 'node:util';
import { openMongodbServers } from '@seedbed/mongodb-server';
import { runSeedChaos, type SeedChaosOptions } from './seed-chaos.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    seconds: { type: 'string', default: '240' },
    number: { type: 'string', default: String(Date.now() % 1_000_000) },
    seeds: { type: 'string', default: '5' },
    controllers: { type: 'string', default: '4' },
    tasks: { type: 'string', default: '5' },
    leaseMs: { type: 'string', default: '4000' },
    shared: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const number = Number(values.number);
process.stdout.write(`number ${number}\n`);
await using stack = new AsyncDisposableStack();

async function storeOf(name: string): Promise<SeedChaosOptions['store']> {
  if (name === 'sqlite') return 'sqlite';
  const { servers } = stack.use(await openMongodbServers());
  const [server] = servers;
  if (server === undefined) throw new Error('There is no MongoDB server.');
  process.stdout.write(`${server.name}\n`);
  const layout = values.shared ? 'shared' : 'own';
  return { kind: 'mongodb', uri: server.uri, database: `seed_chaos_${number}`, layout };
}

const report = await runSeedChaos({
  number,
  seconds: Number(values.seconds),
  seeds: Number(values.seeds),
  controllers: Number(values.controllers),
  tasks: Number(values.tasks),
  leaseMs: Number(values.leaseMs),
  store: await storeOf(values.store),
  keep: values.keep,
});
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
