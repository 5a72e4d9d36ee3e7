export { describeOnMongodb } from './describe-on-mongodb.ts';
export type { MongodbServer, OpenMongodbServers } from './mongodb-server.ts';
export { openMongodbServers } from './open-servers.ts';
export { openTestDatabase, type TestDatabase } from './test-database.ts';
