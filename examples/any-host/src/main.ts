import { joinHostPath, readText, run } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';

await using host = createLocalHost();
const file = joinHostPath(host.tmp, `greeting-${process.pid}.txt`);
await host.writeFile(file, 'hello\n', { mode: 0o600 });
const { exit, stdout } = await run(host, { argv: ['wc', '-c', file] });
process.stdout.write(`${exit.kind}: ${stdout}${await readText(host, file)}`);
await host.remove(file);
