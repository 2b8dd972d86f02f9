import { z } from 'zod'
import { type ChannelContext } from '../channel.ts'
import { type VkCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'

export type Context = ChannelContext<VkCredentials>

/** Of requests and of callbacks alike. */
export const apiVersion = '5.199'

const refused = z.looseObject({ error: z.looseObject({ error_code: z.number().int() }) })
const answered = z.looseObject({ response: z.unknown() })

/**
 * One method of VK's API; returns `response`. The key goes into the body, and an absent parameter is left out.
 *
 * @throws ChannelError for an `error`, which comes with HTTP 200, and for everything that is neither
 * @see https://dev.vk.com/api/api-requests
 */
export const call = async ({ credentials, http, signal }: Context, method: string, parameters: Readonly<Record<string, string | number | undefined>>): Promise<unknown> => {
  const { baseUrl, accessToken, proxyUrl, caFile } = credentials
  const given = Object.fromEntries(Object.entries(parameters).filter((entry): entry is [string, string | number] => entry[1] !== undefined))
  const answer = await http.call({ method: 'POST', url: `${baseUrl}/method/${method}`, form: { ...given, access_token: accessToken, v: apiVersion } }, { signal, proxyUrl, caFile })
  const no = refused.safeParse(answer.body)
  if (no.success && answer.status < 500) throw refusalOf(no.data.error.error_code)
  const yes = answered.safeParse(answer.body)
  if (answer.status !== 200 || !yes.success || yes.data.response === undefined) throw unclearAnswer(answer.status)
  return yes.data.response
}

/** @throws ChannelError of an unknown outcome: a success that does not say what it must */
export const read = <Schema extends z.ZodType>(schema: Schema, response: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(response)
  if (!parsed.success) throw unclearAnswer(200)
  return parsed.data
}
