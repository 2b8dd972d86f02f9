/** Leaky buckets shared by all processes: one row per portal (REST requests) and one per connection (sends). Real time. */
import { sql } from 'kysely'
import { type Db } from './database.ts'

export interface BucketShape {
  /** Requests that may come at once. */
  readonly burst: number
  /** Requests per second that leak away. */
  readonly perSecond: number
}

/**
 * Takes up to `wanted` places of a bucket, atomically across processes; a paused bucket grants nothing.
 *
 * @returns how many were granted, and - when none was - after how many ms to ask again
 */
export const takeBudget = async (db: Db, key: string, shape: BucketShape, wanted: number): Promise<{ granted: number; waitMs: number }> => {
  const leaked = sql`greatest(0, b.level - extract(epoch from now() - b.level_at) * ${shape.perSecond}::float8)`
  const { rows } = await sql<{ granted: number; level: number; paused_ms: number }>`
    insert into budgets as b (key, level) values (${key}, ${Math.min(wanted, shape.burst)}::float8)
    on conflict (key) do update set
      level = ${leaked} + case when b.paused_until > now() then 0 else least(${wanted}::float8, floor(greatest(0, ${shape.burst}::float8 - ${leaked}))) end,
      level_at = now()
    returning new.level as level,
      round(new.level - coalesce(greatest(0, old.level - extract(epoch from now() - old.level_at) * ${shape.perSecond}::float8), 0))::int as granted,
      greatest(0, coalesce(extract(epoch from new.paused_until - now()), 0) * 1000)::float8 as paused_ms`.execute(db)
  const { granted, level, paused_ms: pausedMs } = rows[0]!
  if (granted > 0) return { granted, waitMs: 0 }
  return { granted: 0, waitMs: Math.max(1, Math.ceil(pausedMs), Math.ceil(((level + 1 - shape.burst) / shape.perSecond) * 1000)) }
}

/**
 * Takes from many buckets in one statement; the answer has an entry per key.
 *
 * Rows are written in the order of their keys, so that two processes that want the same buckets wait instead of blocking each other.
 */
export const takeBudgets = async (db: Db, wishes: readonly { key: string; shape: BucketShape; wanted: number }[]): Promise<ReadonlyMap<string, { granted: number; waitMs: number }>> => {
  if (wishes.length === 0) return new Map()
  const sorted = [...wishes].sort((a, b) => (a.key < b.key ? -1 : 1))
  const shapeOf = new Map(sorted.map(({ key, shape }) => [key, shape]))
  const { rows } = await sql<{ key: string; granted: number; level: number; paused_ms: number }>`
    with wish as (
      select * from unnest(${sorted.map((w) => w.key)}::text[], ${sorted.map((w) => w.wanted)}::float8[], ${sorted.map((w) => w.shape.burst)}::float8[], ${sorted.map((w) => w.shape.perSecond)}::float8[])
        as w(key, wanted, burst, per_second)
    ), made as (
      insert into budgets (key) select key from wish order by key on conflict (key) do nothing
    ), held as (
      select b.key, w.wanted, w.burst, b.paused_until, greatest(0, b.level - extract(epoch from now() - b.level_at) * w.per_second) as leaked
      from wish w join budgets b using (key) order by b.key for update of b
    ), granted as (
      select *, case when paused_until > now() then 0 else least(wanted, floor(greatest(0, burst - leaked))) end as grant_now from held
    )
    update budgets b set level = g.leaked + g.grant_now, level_at = now() from granted g where b.key = g.key
    returning b.key, b.level, g.grant_now::int as granted, greatest(0, coalesce(extract(epoch from b.paused_until - now()), 0) * 1000)::float8 as paused_ms`.execute(db)
  const found = new Map(
    rows.map(({ key, granted, level, paused_ms: pausedMs }) => {
      const shape = shapeOf.get(key)!
      const waitMs = granted > 0 ? 0 : Math.max(1, Math.ceil(pausedMs), Math.ceil(((level + 1 - shape.burst) / shape.perSecond) * 1000))
      return [key, { granted, waitMs }] as const
    }),
  )
  // A bucket that was made by this very statement is not seen by it: it is taken from on its own, once in its life.
  for (const { key, shape, wanted } of sorted) if (!found.has(key)) found.set(key, await takeBudget(db, key, shape, wanted))
  return found
}

/** How full a bucket is now: 0 is untouched. */
export const budgetLevel = async (db: Db, key: string, shape: BucketShape): Promise<number> => {
  const { rows } = await sql<{ level: number }>`
    select greatest(0, level - extract(epoch from now() - level_at) * ${shape.perSecond}::float8)::float8 as level from budgets where key = ${key}`.execute(db)
  return rows[0]?.level ?? 0
}

/** Nothing is granted from this bucket before `until` (epoch ms, real time); a later pause is not shortened. */
export const pauseBudget = async (db: Db, key: string, until: number): Promise<void> => {
  await sql`
    insert into budgets as b (key, paused_until) values (${key}, ${new Date(until)})
    on conflict (key) do update set paused_until = greatest(b.paused_until, excluded.paused_until)`.execute(db)
}

/** One method of a portal is left alone before `until`, epoch ms. */
export const pauseMethod = async (db: Db, key: string, method: string, until: number): Promise<void> => {
  await sql`
    insert into budgets as b (key, paused_methods) values (${key}, jsonb_build_object(${method}::text, ${until}::bigint))
    on conflict (key) do update set paused_methods = b.paused_methods || excluded.paused_methods`.execute(db)
}

/** Methods of a portal that are paused, with the end of their pause, epoch ms. */
export const pausedMethods = async (db: Db, key: string): Promise<Readonly<Record<string, number>>> => {
  const row = await db.selectFrom('budgets').select('paused_methods').where('key', '=', key).executeTakeFirst()
  return (row?.paused_methods ?? {}) as Record<string, number>
}

/**
 * Makes this process the only one that speaks to a portal for the next `leaseMs`, so that requests are full and in order.
 *
 * @returns false while another process is speaking
 */
export const becomeSpeaker = async (db: Db, key: string, speaker: string, leaseMs: number): Promise<boolean> => {
  const { rows } = await sql`
    insert into budgets as b (key, speaker, speaker_until) values (${key}, ${speaker}, now() + ${leaseMs} * interval '1 ms')
    on conflict (key) do update set speaker = excluded.speaker, speaker_until = excluded.speaker_until
    where b.speaker is null or b.speaker = excluded.speaker or b.speaker_until < now() returning 1`.execute(db)
  return rows.length > 0
}

export const stopSpeaking = async (db: Db, key: string, speaker: string): Promise<void> => {
  await sql`update budgets set speaker = null, speaker_until = null where key = ${key} and speaker = ${speaker}`.execute(db)
}

/** Is anybody the only speaker now? */
export const isSpokenFor = async (db: Db, key: string): Promise<boolean> => {
  const { rows } = await sql`select 1 from budgets where key = ${key} and speaker is not null and speaker_until > now()`.execute(db)
  return rows.length > 0
}
