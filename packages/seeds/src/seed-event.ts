import type { SeedId } from './seed-facts.ts';

interface About {
  readonly seedId: SeedId;
  /** The lease's holder, where there is one. */
  readonly holder?: string;
}

/** Why a file was not taken for the seed's credential. It has not been touched. */
export type IgnoredReason = 'missing' | 'logged-out' | 'unreadable' | 'foreign-account';

/**
 * What happened beside what was asked. Generations are fingerprints; no event holds a secret.
 *
 * - `saved`: the store has a new generation, or a newer form of the same one.
 * - `kept-aside`: a credential did not become the current one; see `Seeds.asides`.
 * - `ignored`: a file is no credential of this seed.
 * - `journaled`: the store could not be asked; the credential is on this machine's disk, and goes into the store when it can be reached.
 * - `caught-up`: that has happened.
 * - `not-saved`: it could be written nowhere; it is still in its file.
 * - `renewal-failed`: the lease could not be renewed; it is tried again until it ends.
 * - `lease-lost`: it ended, or was taken.
 * - `release-failed`: the lease ends by itself, later.
 * - `salvaged`: a holder had died; what it left at `place` was saved and taken away there.
 * - `unsettled`: a holder had died, and what it left cannot be seen.
 * - `updated`: the stored credential was newer than the session's file, which has it now.
 * - `overwritten`: another program had put its content in the place of ours; which of the two is current now.
 * - `watch-failed`: the file could not be read or watched; tried again.
 * - `retired`, `revived`: a verification changed the status.
 * - `quota-unknown`: what a login has left could not be asked for, or not be kept; what was known of it stays.
 * - `refresh-inconclusive`: the provider gave no answer that says anything about the login.
 */
export type SeedEvent =
  | (About & { readonly type: 'saved'; readonly generation: string })
  | (About & {
      readonly type: 'kept-aside';
      readonly generation: string;
      readonly reason: 'conflict' | 'doubtful' | 'overwritten';
    })
  | (About & { readonly type: 'ignored'; readonly reason: IgnoredReason })
  | (About & { readonly type: 'journaled' | 'not-saved'; readonly cause: unknown })
  | (About & { readonly type: 'caught-up'; readonly outcome: string })
  | (About & { readonly type: 'renewal-failed' | 'release-failed' | 'watch-failed'; readonly cause: unknown })
  | (About & { readonly type: 'lease-lost'; readonly reason: string })
  | (About & { readonly type: 'salvaged'; readonly place: string; readonly outcome: string })
  | (About & { readonly type: 'unsettled'; readonly place?: string; readonly reason: string })
  | (About & { readonly type: 'updated'; readonly generation: string })
  | (About & { readonly type: 'overwritten'; readonly current: 'ours' | 'theirs' })
  | (About & { readonly type: 'retired' | 'revived'; readonly reason: string })
  | (About & { readonly type: 'refresh-inconclusive' | 'quota-unknown'; readonly reason: string });
