import type { SeedEvent } from '../src/index.ts';
import { testCredential, testCredentialKind } from '../src/testing/index.ts';

/** What happened in a run, line by line, with the tokens' own names. */
export interface ChaosStory {
  tell(about: string, what: string): void;
  /** The first of what must not happen: the story ends soon after it. */
  tellHarm(about: string, what: string): void;
  tellEvent(program: string, event: SeedEvent): void;
  /** Fingerprints of this token are told by its name. */
  learn(account: string, token: string): void;
  /** The lines about one account or its seed, those before the first harm, or the last of them. */
  of(about: readonly string[]): readonly string[];
}

const LINES = 120;

export function createChaosStory(nowMs: () => number): ChaosStory {
  const lines: { readonly about: string; readonly text: string }[] = [];
  let harm: number | undefined;
  const names = new Map<string, string>();
  const tell = (about: string, what: string): void => {
    lines.push({ about, text: `${(nowMs() / 1000).toFixed(3)} ${what}` });
  };
  return {
    tell,
    tellHarm(about, what) {
      tell(about, `!!! ${what}`);
      harm ??= lines.length;
    },
    tellEvent(program, event) {
      const text = JSON.stringify(event, (key, value) => {
        if (key === 'seedId' || key === 'type') return undefined;
        if (key === 'holder') return String(value).slice(0, 9);
        return value instanceof Error ? value.message.slice(0, 80) : value;
      });
      const named = text.replaceAll(/[0-9a-f]{32}/g, (generation) => names.get(generation) ?? generation);
      tell(event.seedId, `${program}: ${event.type} ${named}`);
    },
    learn(account, token) {
      const reading = testCredentialKind.read(testCredential({ account, token, at: 0 }));
      if (reading.state === 'logged-in') names.set(reading.generation, token);
    },
    of: (about) =>
      lines
        .slice(0, harm)
        .filter((line) => line.about === '' || about.includes(line.about))
        .map(({ text }) => text)
        .slice(-LINES),
  };
}
