// The tenant's own keys and values, in SQLite: wit/storage.wit. One connection does one thing after the other, so a read sees
// every commit before it; a transaction makes a commit whole, also when the process is killed.

import { DatabaseSync } from 'node:sqlite';

const MOST = 2000; // keys of a read, writes of a commit, entries of a page
const [PAGE, READ] = [8 << 20, 64 << 20]; // bytes after which a page ends, and of a read

export function storage(file, tenant) {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS entries (tenant TEXT, key BLOB, value BLOB, revision INTEGER, PRIMARY KEY (tenant, key)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS revisions (last INTEGER);
    INSERT INTO revisions SELECT 0 WHERE NOT EXISTS (SELECT * FROM revisions)`);
  const select = db.prepare('SELECT key, value, revision FROM entries WHERE tenant = ? AND key = ?');
  const after = db.prepare('SELECT key, value, revision FROM entries WHERE tenant = ? AND key >= ? AND key > ? ORDER BY key');
  const next = db.prepare('UPDATE revisions SET last = last + 1 RETURNING last');
  const put = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM entries WHERE tenant = ? AND key = ?');
  const find = (key) => entry(select.get(tenant, Buffer.from(key)));

  function get(keys) {
    check(keys.length <= MOST && keys.every(isKey), `a read has at most ${MOST} keys, each of 1 to 512 bytes`);
    const found = keys.map(find);
    check(found.reduce((sum, one) => sum + (one?.value.length ?? 0), 0) <= READ, 'the values have more than 64 MiB together');
    return found;
  }

  function commit(writes) {
    check(writes.length <= MOST && writes.every(({ key }) => isKey(key)), `a commit has at most ${MOST} keys, each of 1 to 512 bytes`);
    check(new Set(writes.map(({ key }) => key)).size === writes.length, 'a key is written twice');
    check(writes.every(({ value }) => !(value?.length > 1 << 20)), 'a value has more than 1 MiB');
    db.exec('BEGIN IMMEDIATE');
    try {
      const lost = writes.filter(({ key, condition }) => !holds(condition, find(key))).map(({ key }) => key);
      if (lost.length) return { tag: 'conflict', val: lost };
      const { last } = next.get();
      for (const { key, value } of writes) value ? put.run(tenant, Buffer.from(key), value, last) : remove.run(tenant, Buffer.from(key));
      db.exec('COMMIT');
      return { tag: 'committed' };
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
    }
  }

  function scan(prefix, cursor, limit) {
    check(limit >= 1 && limit <= MOST, `the limit is 1 to ${MOST}`);
    const entries = [];
    let bytes = 0;
    for (const row of after.iterate(tenant, Buffer.from(prefix), Buffer.from(cursor === undefined ? '' : opened(cursor, prefix)))) {
      const found = entry(row);
      if (!found.key.startsWith(prefix)) break;
      if (entries.length === limit || bytes > PAGE) return { entries, cursor: cursorAt(entries.at(-1).key, prefix) };
      bytes += found.value.length;
      entries.push(found);
    }
    return { entries };
  }

  return { get: answering(get), commit: answering(commit), scan: answering(scan), close: () => db.close() };
}

const entry = (row) => row && { key: Buffer.from(row.key).toString(), value: row.value, revision: String(row.revision) };
const isKey = (key) => key && Buffer.byteLength(key) <= 512;
const holds = ({ tag, val }, found) => tag === 'any' || (tag === 'absent' ? !found : found?.revision === val);
const check = (kept, otherwise) => { if (!kept) throw { tag: 'invalid', val: otherwise }; };

/** A cursor says what it is good for; a forged one gives nothing that a scan of its prefix would not give. */
const cursorAt = (key, prefix) => Buffer.from(JSON.stringify([prefix, key])).toString('base64url');
function opened(cursor, prefix) {
  let of, key;
  try { [of, key] = JSON.parse(Buffer.from(cursor, 'base64url')); } catch { /* is refused */ }
  check(of === prefix && key?.startsWith(prefix), 'the cursor is not one of this scan: begin again without one');
  return key;
}

/** What SQLite cannot do now may go well later. */
const answering = (work) => async (...args) => {
  try { return work(...args); } catch (error) { throw error.tag ? error : { tag: 'unavailable', val: error.message }; }
};
