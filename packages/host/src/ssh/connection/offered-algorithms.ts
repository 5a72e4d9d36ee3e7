/**
 * Lists as in ssh_config(5), of names with commas in between: only these, or with a `-` at the beginning all but these (`*` and `?` as usual).
 * They take away and never add: a list that begins with `+` or `^` changes nothing, and a name that is not offered anyway is left out.
 */
export interface OfferedAlgorithms {
  readonly ciphers?: string;
  readonly macs?: string;
  readonly kex?: string;
  readonly hostKeys?: string;
  /** For keys of users; an RSA key may be used when any of its signatures may. */
  readonly userKeys?: string;
  /** RSA keys of hosts and users with fewer bits are not used. */
  readonly minRsaBits?: number;
}
