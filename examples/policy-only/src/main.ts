import { hostPath } from '@seedbed/host';
import {
  bindSandboxPolicy,
  parseSandboxPolicy,
  renderExecArgv,
  SandboxPolicyError,
} from '@seedbed/sandbox-policy';

const policy = parseSandboxPolicy({
  extraAllowedDirs: [{ path: '/srv/cache', mode: 'rw' }],
  approvals: 'deny-all',
});
const sandbox = bindSandboxPolicy(policy, {
  codexVersion: '0.169.0',
  uid: 1000,
  workdir: hostPath('/srv/job'),
  codexHome: hostPath('/srv/job/home/.codex'),
  home: hostPath('/home/worker'),
  tmp: hostPath('/tmp'),
});
console.log(['codex', 'exec', ...renderExecArgv(sandbox), 'Tidy up.']);

try {
  parseSandboxPolicy({ mode: 'external', networkAccess: false });
} catch (error) {
  if (error instanceof SandboxPolicyError) console.log(error.code, error.settings);
}
