/** Answers as the story in its argument says, until its input ends. Prints the configuration that leads Codex here. */
import { once } from 'node:events';
import { openScriptedModel } from '../src/testing/index.ts';

const model = await openScriptedModel({ story: JSON.parse(process.argv[2] ?? '') });
process.stdout.write(`${JSON.stringify(model.providerConfig())}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
await model[Symbol.asyncDispose]();
