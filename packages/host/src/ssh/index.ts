export type { SshAuthentication } from './connection.ts';
export type { HostKeyTrust } from './host-key.ts';
export { openSshHost, type SshHostOptions } from './open-ssh-host.ts';
