import { HostError, type HostFiles, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { z } from 'zod';
import type { SeedId } from './seed-facts.ts';

const NAME = '.seedbed-seed.json';

const markerSchema = z.object({ seed: z.string(), generation: z.string() });

/**
 * Says in a home which generation of which seed its credential came out of. It goes where the home goes, into snapshots too, so that a token that was
 * rotated there is known for a successor, by lineage and not by the time of a file.
 */
export async function writePlantedMarker(
  files: HostFiles,
  home: HostPath,
  { seedId, generation }: { readonly seedId: SeedId; readonly generation: string },
): Promise<void> {
  const text = `${JSON.stringify({ seed: seedId, generation })}\n`;
  await files.writeFile(joinHostPath(home, NAME), text, { mode: 0o600 });
}

/** Of which seed, and out of which of its generations, the credential in a home is. */
export interface PlantedMarker {
  readonly seedId: SeedId;
  readonly generation: string;
}

/** What was planted in the home last, if that is still there to be read. */
export async function readPlantedMarker(
  files: HostFiles,
  home: HostPath,
): Promise<PlantedMarker | undefined> {
  try {
    const text = await readText(files, joinHostPath(home, NAME), { maxBytes: 4096 });
    const { success, data } = markerSchema.safeParse(JSON.parse(text));
    return success ? { seedId: data.seed as SeedId, generation: data.generation } : undefined;
  } catch (failure) {
    if (failure instanceof SyntaxError) return undefined;
    if (
      failure instanceof HostError &&
      ['not-found', 'limit-exceeded', 'is-a-directory'].includes(failure.code)
    )
      return undefined;
    throw failure;
  }
}
