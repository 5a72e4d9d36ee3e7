export type { OfferedAlgorithms } from './algorithms.ts';
export type {
  AgentLogin,
  AnswerQuestions,
  AskSecret,
  KeyFileLogin,
  KeyLogin,
  LoginPrompt,
  LoginQuestions,
  PasswordLogin,
  QuestionsLogin,
  Secret,
  SecretRequest,
  SshAuthentication,
  SshLogin,
} from './authentication.ts';
export { type ReadSshConfigOptions, readSshConfig } from './config/read-ssh-config.ts';
export type { LinkChange } from './connections.ts';
export type { AcceptNewHostKey, HostKeyTrust, KnownHostsTrust, NewHostKey } from './host-key.ts';
export { openSshHost, type SshHostOptions } from './open-ssh-host.ts';
export type { SshDestination } from './ssh-destination.ts';
