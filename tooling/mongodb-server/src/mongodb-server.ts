/** A server that tests may fill: by its name and version, as the closing lines of a run show it, and where it is. */
export interface MongodbServer {
  /** `mongo-java-server 1.46.0`. Never with credentials. */
  readonly name: string;
  readonly uri: string;
}

/** Servers, as long as they are needed: those that were started for it end with it. */
export interface OpenMongodbServers extends AsyncDisposable {
  /** At least one. */
  readonly servers: readonly MongodbServer[];
}

/** One server that was started here. */
export interface StartedServer extends AsyncDisposable {
  readonly server: MongodbServer;
}

/** There is no server, and none could be started. The message says what was tried. */
export class NoMongodbServer extends Error {
  override readonly name = 'NoMongodbServer';
}
