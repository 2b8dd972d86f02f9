import { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { type z } from 'zod'
import { AppError, messageOf } from '../errors.ts'
import { type Log } from '../log.ts'
import { inLanguage } from '../words/english.ts'
import { type LanguageOf } from './language.ts'

/**
 * Answers every error as `{ code, message, fields? }`: a sentence for the person in their language, a code for the program. What we did
 * not foresee is anonymous outside and a line in the log inside.
 */
export const createErrorHandler =
  (log: Log, languageOf: LanguageOf) =>
  async (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const language = languageOf(request)
    const say = (sentence: string): string => inLanguage(language, sentence)
    if (error instanceof AppError) {
      if (error.status >= 500) log.warn({ code: error.code, route: request.routeOptions.url, reason: error.message }, 'a request failed')
      const fields = Object.entries(error.fields).map(([name, sentence]) => [name, say(sentence)] as const)
      await reply.status(error.status).send({ code: error.code, message: say(error.message), ...(fields.length > 0 ? { fields: Object.fromEntries(fields) } : {}) })
      return
    }
    const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
    if (status < 500) {
      await reply.status(status).send({ code: status === 413 ? 'BODY_TOO_LARGE' : 'FORM_INVALID', message: say('Запрос не удалось прочитать.') })
      return
    }
    log.error({ code: 'INTERNAL', route: request.routeOptions.url, reason: messageOf(error), err: error }, 'a request broke in our own code')
    await reply.status(500).send({ code: 'INTERNAL', message: say('Что-то сломалось у нас: повторите, а если не поможет, напишите в поддержку.') })
  }

/**
 * Reads what a page sent.
 *
 * @throws AppError FORM_INVALID with a sentence per wrong field. An answer of ours in a wrong shape is our own fault and is not read by this.
 */
export const readForm = <Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const fields = Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.') || 'body', 'Проверьте это поле.']))
  throw new AppError('FORM_INVALID', 'Проверьте отмеченные поля.', { fields })
}
