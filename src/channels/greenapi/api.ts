import { type z } from 'zod'
import { type ChannelContext } from '../channel.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { type GreenApiCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'

export type Context = ChannelContext<GreenApiCredentials>

/**
 * One call of an instance's method: POST with a body, GET without one. The token stands in the path, so addresses are never logged.
 *
 * @throws ChannelError for every answer that is not 200
 * @see https://green-api.com/docs/api/
 */
export const call = async (context: Context, method: string, body: Pick<HttpRequest, 'json' | 'multipart'> = {}): Promise<HttpAnswer> => {
  const { apiUrl, mediaUrl, idInstance, apiTokenInstance, proxyUrl, caFile } = context.credentials
  const base = body.multipart === undefined ? apiUrl : mediaUrl
  const isQuestion = body.json === undefined && body.multipart === undefined
  const url = `${base}/waInstance${idInstance}/${method}/${apiTokenInstance}`
  const answer = await context.http.call({ method: isQuestion ? 'GET' : 'POST', url, ...body }, { signal: context.signal, proxyUrl, caFile })
  if (answer.status !== 200) throw refusalOf(answer)
  return answer
}

/** @throws ChannelError of an unknown outcome: a success that does not say what it must */
export const read = <Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.output<Schema> => {
  const parsed = schema.safeParse(answer.body)
  if (!parsed.success) throw unclearAnswer()
  return parsed.data
}
