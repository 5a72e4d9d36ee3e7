import { hostPath } from '@seedbed/host';
import { describe, expect, it } from 'vitest';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { AppServer } from '../app-server/app-server.ts';
import { openThread, type ThreadSettings } from './open-thread.ts';

const lostPlace =
  "Codex refused thread/start: fs sandbox helper failed: bwrap: Can't find source path /w/.bashrc";
const lostMount =
  'Codex refused thread/start: fs sandbox helper failed: bwrap: Can\'t bind mount /oldroot/w/.profile on /newroot/w/.profile: Unable to find "/newroot/w/.profile" in mount table';
const opened = { thread: { id: 'one' }, model: 'm', cwd: '/w' };
const settings: ThreadSettings = { cwd: hostPath('/w'), policy: {}, verify: () => undefined, controls: {} };

/** A server that gives these answers, one after the other; the last one for ever. */
function answering(answers: readonly (object | string)[]): { server: AppServer; asked: string[] } {
  const asked: string[] = [];
  const server: AppServer = {
    version: '0.169.0',
    ending: false,
    gone: new Promise(() => undefined),
    async request(method) {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(method);
      if (typeof answer === 'string') throw new AgentCodexError('agent-error', answer);
      return answer;
    },
    end: async () => ({ kind: 'exited', code: 0 }),
    async [Symbol.asyncDispose]() {},
  };
  return { server, asked };
}

describe('opening a thread', () => {
  it('is asked for again when two sandboxes took each other’s places away', async () => {
    const { server, asked } = answering([lostPlace, lostMount, opened]);
    expect(await openThread(server, settings, undefined)).toMatchObject({ threadId: 'one' });
    expect(asked).toEqual(['thread/start', 'thread/start', 'thread/start']);
  });

  it('is given up when that goes on, and at once for any other reason', async () => {
    const always = answering([lostPlace]);
    await expect(openThread(always.server, settings, undefined)).rejects.toThrow('find source path');
    expect(always.asked.length).toBe(12);
    const other = answering(['Codex refused thread/start: no such model', opened]);
    await expect(openThread(other.server, settings, undefined)).rejects.toThrow('no such model');
    expect(other.asked.length).toBe(1);
    const forbidden = answering(['Codex refused thread/start: bwrap: Creating new namespace failed', opened]);
    await expect(openThread(forbidden.server, settings, undefined)).rejects.toThrow('namespace failed');
    expect(forbidden.asked.length).toBe(1);
  });
});
