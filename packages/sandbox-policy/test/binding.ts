import { hostPath } from '@seedbed/host';
import type { SandboxBinding } from '../src/bind-policy.ts';

/** A task as agent-codex lays it out, on a host that nobody looks at. */
export function binding(over: Partial<SandboxBinding> = {}): SandboxBinding {
  return {
    codexVersion: '0.169.0',
    uid: 1000,
    workdir: hostPath('/tasks/one'),
    codexHome: hostPath('/tasks/one/home/.codex'),
    home: hostPath('/home/user'),
    tmp: hostPath('/tmp'),
    taskTmp: hostPath('/tasks/one/home/tmp'),
    codexTree: hostPath('/opt/codex'),
    ...over,
  };
}
