export { type TestCredential, testCredential, testCredentialKind, testManifest } from './test-credential.ts';
