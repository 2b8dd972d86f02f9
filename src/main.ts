import { startApp } from './app.ts'
import { readConfig } from './config.ts'
import { AppError, messageOf } from './errors.ts'
import { createLog } from './log.ts'

/** The process: a wrong setting ends it with one sentence; SIGINT and SIGTERM let it finish what it has in hand. */
const run = async (): Promise<void> => {
  const config = readConfig(process.env)
  const log = createLog(config.logLevel)
  const app = await startApp(config, log)
  log.info({ role: config.role, address: app.origin, database: config.databaseUrl === undefined ? 'embedded' : 'external' }, 'Estafeta is up')
  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) return
      isStopping = true
      log.info({ signal }, 'Estafeta is stopping')
      app.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ code: 'STOP_FAILED', reason: messageOf(error) }, 'the stop was not clean')
          process.exit(1)
        },
      )
    })
  }
  process.on('unhandledRejection', (error) => {
    log.fatal({ code: 'INTERNAL', reason: messageOf(error), err: error }, 'a promise was left without a handler')
    process.exit(1)
  })
}

run().catch((error: unknown) => {
  console.error(error instanceof AppError ? error.message : error)
  process.exit(1)
})
