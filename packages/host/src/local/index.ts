export { readControllerEnvironment } from './controller-environment.ts';
export { createLocalHost, type LocalHostOptions } from './local-host.ts';
