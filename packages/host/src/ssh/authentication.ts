/** How the user proves who they are. One way is tried, no other. */
export type SshAuthentication =
  /** The path of an agent's socket, as SSH_AUTH_SOCK has it. */
  | { readonly agent: string }
  /** A key in OpenSSH's or PEM format, as text; with its passphrase where it is encrypted. */
  | { readonly privateKey: string; readonly passphrase?: string }
  | { readonly password: string };
