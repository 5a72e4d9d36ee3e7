import type { ProcessExit } from '@seedbed/host';

/**
 * What the sandbox probably stood in the way of. `sandbox-unavailable`: the command did not run at all, because the sandbox could not be set up.
 */
export type DenialKind = 'file-write' | 'file-read' | 'network' | 'sandbox-unavailable' | 'none';

export interface CommandOutcome {
  readonly exit: ProcessExit;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Denial {
  /** A guess from the output: programs report a denial in their own words, or swallow it. */
  readonly denied: boolean;
  readonly likely: DenialKind;
  /** The line that tells, cut at 300 characters; empty when there is none. */
  readonly evidence: string;
}

const EVIDENCE_LIMIT = 300;

/** In this order: the failures of the sandbox itself use the words of the others. */
const SIGNS: readonly { readonly kind: DenialKind; readonly sign: RegExp }[] = [
  {
    kind: 'sandbox-unavailable',
    sign: /^bwrap: |bubblewrap is unavailable|error building bubblewrap command|app-server socket directory must be|requires bubblewrap|landlock.*(?:not enforced|unavailable)|sandbox-exec: /im,
  },
  {
    kind: 'network',
    sign: /could not resolve host|temporary failure in name resolution|name or service not known|network is unreachable|getaddrinfo|EAI_AGAIN|ENETUNREACH|(?:socket|connect|ping|curl|wget|network|bind)\b.*(?:operation not permitted|EPERM)|dial (?:tcp|udp).*(?:not permitted|no such host)/im,
  },
  { kind: 'file-write', sign: /read-only file system|EROFS/im },
  {
    kind: 'file-write',
    sign: /(?:cannot (?:create|touch|remove|move|mkdir|make)|(?:write|writing|create|creating|mkdir|unlink|rename|open .* for writing)\b).*(?:permission denied|operation not permitted|EACCES|EPERM)/im,
  },
  { kind: 'file-read', sign: /permission denied|EACCES/im },
];

/**
 * Whether the sandbox probably blocked a command, by how it ended and what it printed. Never evidence that something is confined: that is what the probe is for.
 */
export function classifyDenial({ exit, stderr, stdout }: CommandOutcome): Denial {
  const none: Denial = { denied: false, likely: 'none', evidence: '' };
  if (exit.kind === 'lost' || (exit.kind === 'exited' && exit.code === 0)) return none;
  if (exit.kind === 'signaled') {
    // What the kernel sends for a system call that a filter forbids outright.
    return exit.name === 'SIGSYS' ? { denied: true, likely: 'network', evidence: 'ended by SIGSYS' } : none;
  }
  for (const output of [stderr, stdout]) {
    for (const { kind, sign } of SIGNS) {
      const line = output.split('\n').find((text) => sign.test(text));
      if (line !== undefined)
        return { denied: true, likely: kind, evidence: line.trim().slice(0, EVIDENCE_LIMIT) };
    }
  }
  return none;
}
