import { z } from 'zod';
import { isPlainRelativePath } from './release.ts';

/** What is compared on every look. */
export interface NodeFacts {
  /** Relative to the folder of the files. */
  readonly path: string;
  readonly mode: number;
  readonly modifiedMs: number;
  readonly identity: string;
}

export interface FileFacts extends NodeFacts {
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** What was installed: written last, and what every later look is compared with. */
export interface TreeManifest {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly platform: string;
  readonly origin: 'downloaded' | 'adopted' | 'file';
  readonly evidence:
    | { readonly kind: 'digest'; readonly integrity: string }
    | { readonly kind: 'functional'; readonly tag: string };
  readonly executable: string;
  readonly bytes: number;
  readonly files: readonly FileFacts[];
  readonly directories: readonly NodeFacts[];
}

const path = z.string().refine(isPlainRelativePath);
const facts = { path, mode: z.int(), modifiedMs: z.number(), identity: z.string() };

const manifestSchema: z.ZodType<TreeManifest> = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  version: z.string(),
  platform: z.string(),
  origin: z.enum(['downloaded', 'adopted', 'file']),
  evidence: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('digest'), integrity: z.string() }),
    z.strictObject({ kind: z.literal('functional'), tag: z.string() }),
  ]),
  executable: path,
  bytes: z.int().nonnegative(),
  files: z.array(z.strictObject({ ...facts, size: z.int().nonnegative(), sha256: z.string() })),
  directories: z.array(z.strictObject(facts)),
});

/** `undefined` for anything that is not a manifest of this format. */
export function parseTreeManifest(text: string): TreeManifest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = manifestSchema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

export const manifestName = 'manifest.json';
export const manifestMaxBytes = 16_000_000;
/** The folder beside the manifest that holds the files. */
export const filesName = 'files';
