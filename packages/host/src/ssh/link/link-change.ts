import type { HostError } from '../../host-error.ts';

/** What became of the link to a host. */
export type LinkChange =
  /** No connection is left; new ones are being tried. */
  | { readonly state: 'interrupted'; readonly cause: HostError }
  | { readonly state: 'restored' }
  /** It will not come back. */
  | { readonly state: 'gone'; readonly cause: HostError };
