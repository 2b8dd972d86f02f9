import { type z } from 'zod'
import { type ChannelContext } from '../channel.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { type WazzupCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'

export type Context = ChannelContext<WazzupCredentials>

/** One call. @throws ChannelError for every answer that is not 2xx */
export const call = async (context: Context, method: HttpRequest['method'], path: string, json?: unknown): Promise<HttpAnswer> => {
  const { baseUrl, apiKey, proxyUrl, caFile } = context.credentials
  const answer = await context.http.call(
    { method, url: `${baseUrl}/v3${path}`, headers: { authorization: `Bearer ${apiKey}` }, ...(json === undefined ? {} : { json }) },
    { signal: context.signal, proxyUrl, caFile },
  )
  if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
  return answer
}

/** @throws ChannelError of an unknown outcome: a success that does not say what it must */
export const read = <Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.output<Schema> => {
  const parsed = schema.safeParse(answer.body)
  if (!parsed.success) throw unclearAnswer()
  return parsed.data
}
