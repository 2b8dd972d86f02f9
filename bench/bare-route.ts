/** The floor of an acknowledgement: a Fastify route that keeps the body in a table before it answers, one by one or in groups. */
import Fastify from 'fastify'
import pg from 'pg'

const { connection, grouped } = JSON.parse(process.argv[2]!) as { connection: pg.PoolConfig, grouped: boolean }
const pool = new pg.Pool({ ...connection, max: 10 })
await pool.query('create table if not exists bare_inbox (id bigint generated always as identity primary key, source text not null, external_id text not null, body bytea not null, received_at timestamptz not null default now(), unique (source, external_id))')

const waiting: { key: string, body: Buffer, done: () => void, failed: (error: unknown) => void }[] = []
let timer: NodeJS.Timeout | undefined
let inFlight = 0
const flush = (): void => {
  timer = undefined
  const group = waiting.splice(0, 500)
  if (group.length === 0) return
  inFlight++
  pool.query("insert into bare_inbox (source, external_id, body) select 's', k, b from unnest($1::text[], $2::bytea[]) as n(k, b) on conflict do nothing", [group.map((one) => one.key), group.map((one) => one.body)])
    .then(() => group.forEach((one) => one.done()), (error: unknown) => group.forEach((one) => one.failed(error)))
    .finally(() => { inFlight--; if (waiting.length > 0) timer ??= setTimeout(flush, 0) })
}
const keepGrouped = (key: string, body: Buffer): Promise<void> => new Promise((done, failed) => {
  waiting.push({ key, body, done, failed })
  if (inFlight < 2) {
    if (waiting.length >= 500) { clearTimeout(timer); flush() } else timer ??= setTimeout(flush, 2)
  }
})
const keepOne = async (key: string, body: Buffer): Promise<void> => {
  await pool.query({ name: 'keep', text: "insert into bare_inbox (source, external_id, body) values ('s', $1, $2) on conflict do nothing", values: [key, body] })
}

const app = Fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
let count = 0
app.post('/hook', async (request, reply) => {
  await (grouped ? keepGrouped : keepOne)(`${process.pid}.${count++}`, request.body as Buffer)
  return reply.send('')
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
process.on('SIGTERM', () => process.exit(0))
