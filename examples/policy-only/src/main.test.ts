import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('prints the arguments that make Codex keep to the policy, and what contradicts itself', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')]);
  expect(stdout).toContain('"/srv/cache"="write"');
  expect(stdout).toContain('"/srv/job/home/.codex"="deny"');
  expect(stdout).toContain('"network"={"enabled"=false}');
  expect(stdout).toContain("contradiction [ 'mode: external', 'networkAccess: false' ]");
});
