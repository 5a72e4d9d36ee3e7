export { type NpmRegistryOptions, npmRegistrySource } from './npm-registry-source.ts';
