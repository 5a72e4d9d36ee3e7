// Opens a server as a run of tests would, says where it is, and stays.
import { openMongodbServers } from '../src/open-servers.ts';

const { servers } = await openMongodbServers();
process.stdout.write(`${servers[0]?.uri}\n`);
setInterval(() => undefined, 60_000);
