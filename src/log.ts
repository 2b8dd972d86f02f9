import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * A log that cannot hold what must not be in it: callers pass codes and ids only, and the names under which secrets and personal data
 * usually travel are cut out should one slip in.
 */
export const createLog = (level: string, destination?: { write(line: string): void }): Log =>
  pino(
    {
      level,
      base: undefined,
      redact: {
        paths: ['req', 'res', 'auth', 'token', 'phone', 'text', 'body', '*.auth', '*.token', '*.access_token', '*.refresh_token', '*.application_token', '*.phone', '*.text', '*.body'],
        remove: true,
      },
      serializers: { err: ({ name, message, code, stack }: Error & { code?: unknown }) => ({ name, message, code, stack: stack?.split('\n').slice(1, 6).join('\n') }) },
    },
    destination as never,
  )
