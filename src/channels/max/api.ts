import { type z } from 'zod'
import { type ChannelContext } from '../channel.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { type MaxCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'

export type Context = ChannelContext<MaxCredentials>

/**
 * One call to the Bot API. The token goes into the header bare, without "Bearer".
 *
 * @throws ChannelError for every answer that is not 2xx
 * @see https://dev.max.ru/docs-api
 */
export const call = async (context: Context, request: Omit<HttpRequest, 'url' | 'headers'> & { readonly path: string }, toError = refusalOf): Promise<HttpAnswer> => {
  const { path, ...rest } = request
  const { baseUrl, token, proxyUrl, caFile } = context.credentials
  const answer = await context.http.call({ ...rest, url: `${baseUrl}${path}`, headers: { authorization: token } }, { signal: context.signal, proxyUrl, caFile })
  if (answer.status < 200 || answer.status > 299) throw toError(answer)
  return answer
}

/** @throws ChannelError of an unknown outcome: a success that does not say what it must */
export const read = <Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.output<Schema> => {
  const parsed = schema.safeParse(answer.body)
  if (!parsed.success) throw unclearAnswer()
  return parsed.data
}
