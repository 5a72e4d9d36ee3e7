import { type LinkProxy, type LinkProxyOptions, openLinkProxy } from '@seedbed/host/testing';
import { openTestDatabase } from '@seedbed/mongodb-server';
import { type Db, MongoClient } from 'mongodb';

/** A database that is reached through a link that can be slow, cut or silent, and directly. Disposal removes it. */
export interface LinkedDatabase extends AsyncDisposable {
  readonly link: LinkProxy;
  readonly through: Db;
  readonly direct: Db;
}

export async function openLinkedDatabase(uri: string, options: LinkProxyOptions): Promise<LinkedDatabase> {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(await openTestDatabase(uri));
  const [target] = own.client.options.hosts;
  const link = stack.use(
    await openLinkProxy({ host: target?.host ?? '127.0.0.1', port: target?.port ?? 27_017 }, options),
  );
  const by = uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]*/, `$1${link.host}:${link.port}`);
  const client = stack.adopt(
    new MongoClient(by, {
      directConnection: true,
      serverSelectionTimeoutMS: 30_000,
      heartbeatFrequencyMS: 500,
    }),
    (each) => each.close(),
  );
  stack.defer(() => {
    link.accept();
    link.resume();
  });
  const ended = stack.move();
  return {
    link,
    through: client.db(own.db.databaseName),
    direct: own.db,
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
