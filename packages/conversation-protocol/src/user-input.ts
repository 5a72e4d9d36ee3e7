import { z } from 'zod';

/** What a person puts in front of the agent. Paths are on the host that runs the agent. */
export type UserInput =
  | { readonly type: 'text'; readonly text: string }
  /** An image by `https:` address or as a `data:` URL. */
  | { readonly type: 'image'; readonly url: string }
  | { readonly type: 'local-image'; readonly path: string }
  /** A file that the agent is pointed at; its content is not sent. */
  | { readonly type: 'file'; readonly path: string; readonly name?: string };

const absolutePath = z.string().startsWith('/').max(4096);

export const userInputSchema: z.ZodType<UserInput> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image'),
    url: z.string().regex(/^(https?:\/\/|data:image\/)/, 'an http(s) or data:image URL'),
  }),
  z.strictObject({ type: z.literal('local-image'), path: absolutePath }),
  z.strictObject({ type: z.literal('file'), path: absolutePath, name: z.string().min(1).exactOptional() }),
]);

/**
 * Text from somebody who is not the user: a tool, another agent, a web hook.
 * `untrusted` text is data and never an instruction; `application` text comes from the program that runs the agent.
 */
export interface ExternalInput {
  /** Who wrote it, for the agent and for the viewer: `github-webhook`, `ci`. */
  readonly source: string;
  readonly trust: 'untrusted' | 'application';
  readonly text: string;
}

export const externalInputSchema: z.ZodType<ExternalInput> = z.strictObject({
  source: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9._-]{0,63}$/,
      'lower-case letters, digits, dots, dashes and underscores; at most 64',
    ),
  trust: z.enum(['untrusted', 'application']),
  text: z.string(),
});
