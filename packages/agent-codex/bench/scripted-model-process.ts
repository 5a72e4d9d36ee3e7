import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ProviderConfig, Story } from '../src/testing/index.ts';

export interface ScriptedModelProcess extends AsyncDisposable {
  readonly config: ProviderConfig;
}

/** A scripted model in a process of its own, so that its work is not taken for the client's. */
export async function startScriptedModelProcess(story: Story): Promise<ScriptedModelProcess> {
  const program = fileURLToPath(new URL('./scripted-model-program.ts', import.meta.url));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [program, JSON.stringify(story)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout });
  const [first]: unknown[] = await once(lines, 'line');
  return {
    config: JSON.parse(String(first)),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
