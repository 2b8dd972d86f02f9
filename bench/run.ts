/**
 * `npm run bench`: what the application does in a second, each figure beside its floor or its aim, all from this run on this machine.
 *
 * `-- --json` prints one JSON array of `{ name, value, unit, reference, ratio, note }` and nothing else. Bounded to five minutes; loopback only.
 */
import { measureAcknowledgements } from './acknowledgements.ts'
import { measureDeliveries } from './deliveries.ts'
import { measureHistory } from './history.ts'
import { closeConnections, startDatabaseServer, type Figure } from './setting.ts'
import { measureTimers } from './timers.ts'

const isJson = process.argv.includes('--json')
const limitMs = 5 * 60_000
const tell = (line: string): void => { if (!isJson) console.log(line) }

const guard = setTimeout(() => {
  console.error('The bench did not end within five minutes.')
  process.exit(1)
}, limitMs)

const server = await startDatabaseServer()
const figures: Figure[] = []
try {
  tell('Deliveries, from robot call to closed cascade …')
  figures.push(...await measureDeliveries(server.postgres, server.folder, 1_000))
  tell('Acknowledgements of webhooks …')
  figures.push(...await measureAcknowledgements(server.postgres, server.folder, 5))
  tell('Timers, with a million armed …')
  figures.push(...await measureTimers(server.postgres, 1_000_000, 2_000))
  tell('Pages of the history, among a million messages …')
  figures.push(...await measureHistory(server.postgres, 1_000_000, 10_000, 200))
} finally {
  closeConnections()
  await server.stop()
}
clearTimeout(guard)
if (isJson) console.log(JSON.stringify(figures))
else {
  for (const { name, value, unit, reference, ratio, note } of figures) {
    console.log(`\n${name}: ${value} ${unit}\n  reference ${reference}, ratio ${ratio}\n  ${note}`)
  }
}
process.exit(0)
