import { ScriptedModelError } from './scripted-model-error.ts';
import type { Story } from './story.ts';

/** The named places where a story waits for its test. A gate that was opened stays open. */
export interface HoldGates {
  open(name: string): void;
  passed(name: string, signal: AbortSignal): Promise<void>;
}

export function createHoldGates(story: Story): HoldGates {
  const steps = [...story.replies.flatMap((reply) => reply.steps), ...(story.otherwise ?? [])];
  const gates = new Map<string, PromiseWithResolvers<void>>(
    steps.flatMap((step) => (step.type === 'hold' ? [[step.name, Promise.withResolvers<void>()]] : [])),
  );
  return {
    open(name) {
      const gate = gates.get(name);
      if (gate === undefined) {
        const known = [...gates.keys()].map((key) => `"${key}"`).join(', ') || 'none';
        throw new ScriptedModelError(
          'no-such-hold',
          `Cannot release "${name}": the story has no such hold. It has: ${known}.`,
        );
      }
      gate.resolve();
    },
    async passed(name, signal) {
      signal.throwIfAborted();
      const left = Promise.withResolvers<never>();
      const leave = (): void => left.reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      try {
        await Promise.race([gates.get(name)?.promise, left.promise]);
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
