import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { refuseAborted } from '../refuse-aborted.ts';
import { SnapshotError } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { formatTaskHead, mayHaveSnapshots, parseTaskHead, type TaskHead } from '../task-head.ts';

export interface SqliteSnapshotIndex extends SnapshotIndex, Disposable {}

/** How long a writer waits for another program's, in milliseconds. */
const BUSY_MS = 10_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS task_heads (
    task TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    head TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
`;

/**
 * Heads of tasks in a file of SQLite, which any number of programs on this machine may use at once. It is made when it is not there, for its user alone, with the folder that holds it.
 * @throws {SnapshotError} `invalid-config`, `store-failed` when it cannot be opened, or is no file of ours.
 */
export function openSqliteSnapshotIndex({ file }: { readonly file: string }): SqliteSnapshotIndex {
  if (file.startsWith('~'))
    throw new SnapshotError(
      'invalid-config',
      `file cannot be ${file}: nothing here expands ~. Join os.homedir() and the rest, or write ./~ if it is called so.`,
    );
  const label = `sqlite ${file}`;
  const attempt = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof SnapshotError) throw cause;
      const story = cause instanceof Error ? cause.message : String(cause);
      throw new SnapshotError('store-failed', `Could not ${what} ${label}: ${story}`, { cause });
    }
  };
  const database = attempt('open', () => {
    // SQLite would make it by the umask; its side files get the mode of the file.
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    const opened = new DatabaseSync(file, { timeout: BUSY_MS });
    opened.exec(SCHEMA);
    return opened;
  });
  const select = database.prepare('SELECT head FROM task_heads WHERE task = ?');
  const insert = database.prepare('INSERT OR IGNORE INTO task_heads (task, revision, head) VALUES (?, ?, ?)');
  const update = database.prepare(
    'UPDATE task_heads SET revision = ?, head = ? WHERE task = ? AND revision = ?',
  );
  const after = database.prepare('SELECT task, head FROM task_heads WHERE task > ? ORDER BY task LIMIT 200');

  function write(head: TaskHead, expected: number): boolean {
    const text = formatTaskHead(head);
    const result =
      expected === 0
        ? insert.run(head.task, head.revision, text)
        : update.run(head.revision, text, head.task, expected);
    return Number(result.changes) === 1;
  }

  return {
    label,
    async read(task, { signal } = {}) {
      refuseAborted(signal);
      const row = attempt('read from', () => select.get(task));
      if (row === undefined) return undefined;
      return parseTaskHead(String(row['head']), { task, label });
    },
    async write(head, expected, { signal } = {}) {
      refuseAborted(signal);
      return attempt('write to', () => write(head, expected));
    },
    async *tasks({ signal } = {}) {
      for (let last = ''; ; ) {
        refuseAborted(signal);
        const rows = attempt('read from', () => after.all(last));
        for (const row of rows) {
          last = String(row['task']);
          if (mayHaveSnapshots(String(row['head']))) yield last;
        }
        if (rows.length === 0) return;
      }
    },
    [Symbol.dispose]: () => database.close(),
  };
}
