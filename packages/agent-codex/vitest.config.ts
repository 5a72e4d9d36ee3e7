import { join } from 'node:path';
import { packageTests } from '../../tooling/vitest/package-tests.ts';

export default packageTests(import.meta.dirname, {
  mongodb: true,
  before: [join(import.meta.dirname, 'test/fetch-codex.ts')],
});
