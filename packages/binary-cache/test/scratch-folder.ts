import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostPath, hostPath } from '@seedbed/host';

export interface ScratchFolder extends AsyncDisposable {
  readonly path: HostPath;
}

export async function scratchFolder(): Promise<ScratchFolder> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-binary-cache-'));
  return { path: hostPath(path), [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
