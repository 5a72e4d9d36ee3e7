declare const brand: unique symbol;

/** Names a seed in its store. Chosen by the store. */
export type SeedId = string & { readonly [brand]: 'SeedId' };

/** The right to use a seed, as the store has it. */
export interface LeaseFacts {
  /** Unique to one run of a holder. */
  readonly holder: string;
  /** Larger than in any lease of this seed before. 0 for one that another program took. */
  readonly fence: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly expiresMs: number;
}

/** What is known of the current credential, without its secrets. */
export interface CredentialFacts {
  /** See `Credential.generation`. */
  readonly generation: string;
  readonly rotates: boolean;
  readonly refreshedMs?: number;
  readonly expiresMs?: number;
}

/**
 * Where the current credential is beside the store, since a lease that has not ended well: whoever holds the seed next looks there first.
 *
 * - `planting`: being written to a place; whoever wrote it has not yet said that it may be used.
 * - `planted`: at a place, where it may have rotated.
 * - `collected`: saved from there after its holder had died, and about to be taken away there.
 * - `refreshing`: sent to the provider.
 */
export interface Outstanding {
  readonly phase: 'planting' | 'planted' | 'collected' | 'refreshing';
  readonly holder: string;
  readonly fence: number;
  /** The generation that was taken there. */
  readonly basis: string;
  /** Names the host, and the credential's path there; absent while refreshing. */
  readonly place?: string;
  readonly path?: string;
}

/** One generation of a login: when it was made, out of which, and by whom. */
export interface LineageEntry {
  readonly generation: string;
  readonly parent?: string;
  readonly atMs: number;
  /** The holder that saved it; absent when another program did. */
  readonly holder?: string;
  readonly how: 'captured' | 'rotated' | 'refreshed' | 'restored' | 'foreign';
}

/** A credential that did not become, or is no longer, the current one, and may still be good. */
export interface AsideFacts {
  readonly generation: string;
  readonly atMs: number;
  readonly holder?: string;
  /**
   * - `conflict`: its holder came late, somebody else had rotated meanwhile.
   * - `overwritten`: another program put its own in its place.
   * - `doubtful`: of the same account, and no successor of what was there.
   * - `replaced`: another took its place by a person's word, or by a rotation that only times speak for, or speak against.
   */
  readonly reason: 'conflict' | 'overwritten' | 'doubtful' | 'replaced';
  /** The credential's bytes, sealed as everything else; base64. */
  readonly sealed: string;
}

export type SeedStatus = 'alive' | 'suspect' | 'retired';

/** Everything about a seed but its content, as a store keeps it: plain data that survives JSON. */
export interface SeedFacts {
  readonly id: SeedId;
  /** Milliseconds since the epoch, by the store's clock, here as everywhere in this record. */
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly pool?: string;
  readonly label?: string;
  readonly status: SeedStatus;
  readonly statusReason?: string;
  readonly lease?: LeaseFacts;
  readonly lastLeasedMs?: number;
  /** The fencing token of the newest lease; 0 before the first. */
  readonly fence: number;
  /** Absent until this package has read what another program captured. */
  readonly credential?: CredentialFacts;
  readonly outstanding?: Outstanding;
  /** Oldest first; the newest 64. */
  readonly lineage: readonly LineageEntry[];
  readonly aside: readonly AsideFacts[];
  /** Account summary and quota; sealed as everything else; base64. */
  readonly details?: string;
  /** The fullest usage window, in per cent, and when it is empty again; what `acquire` goes by. */
  readonly load?: { readonly usedPercent: number; readonly resetsMs?: number };
}
