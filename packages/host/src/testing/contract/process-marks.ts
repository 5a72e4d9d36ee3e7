import assert from 'node:assert/strict';
import type { Host } from '../../host.ts';
import type { HostProcess } from '../../process.ts';
import { environmentOf } from '../living-processes.ts';

export async function shown(process: HostProcess, text: string): Promise<void> {
  const reader = process.stdout.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (!seen.includes(text)) {
    const { value, done } = await reader.read();
    assert.ok(!done, `ended before it printed ${text}; it printed ${seen}`);
    seen += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}

/** The entry of its environment by which the processes that come from it are found. */
export async function markerOf(host: Host, pid: number): Promise<string> {
  const entry = (await environmentOf(host, pid)).find((one) => one.startsWith('SEEDBED_PROCESS='));
  assert.ok(entry);
  return entry;
}
