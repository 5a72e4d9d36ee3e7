import { AgentCodexError } from '../agent-codex-error.ts';

/** Of a trusted project that has an AGENTS.md one opening in four fails so. */
const MAX_TRIES = 12;

/** How bwrap begins what it says of a place: `Can't find source path …`, `Can't get type of source …`, `Can't bind mount … Unable to find … in mount table`. What a machine forbids it says otherwise. */
const LOST_PLACE = /bwrap: Can't /;

/**
 * bwrap makes places for files that are hidden and not there, and removes them when it ends: another one that is just beginning then fails. It does so before
 * Codex has opened the thread, so that asking again is safe. Seen with 0.169, whose app-server runs several of them at once when it opens the thread of a trusted project.
 */
export async function pastLostPlaces(open: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open();
    } catch (error) {
      const isLostPlace = error instanceof AgentCodexError && LOST_PLACE.test(error.message);
      if (!isLostPlace || tries === MAX_TRIES) throw error;
    }
  }
}
