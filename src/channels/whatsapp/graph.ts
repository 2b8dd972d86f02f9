import { type ChannelContext } from '../channel.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { refusalOf } from './errors.ts'

/** A partner that passes the Cloud API through: its paths name no number, since its key stands for one. */
export const isPartner = ({ authHeader }: WhatsAppCredentials): boolean => authHeader !== 'Bearer'

/** How the key is shown. */
export const keyHeaders = ({ accessToken, authHeader }: WhatsAppCredentials): Readonly<Record<string, string>> =>
  authHeader === 'Bearer' ? { authorization: `Bearer ${accessToken}` } : { 'D360-API-KEY': accessToken }

/**
 * One call to the Graph API or to a partner that speaks it.
 *
 * @throws ChannelError for every answer that is not 2xx
 */
export const callGraph = async (
  context: ChannelContext<WhatsAppCredentials>,
  request: Omit<HttpRequest, 'url' | 'headers'> & { readonly path: string },
): Promise<HttpAnswer> => {
  const { baseUrl, proxyUrl, caFile } = context.credentials
  const { path, ...rest } = request
  const answer = await context.http.call({ ...rest, url: `${baseUrl}${path}`, headers: keyHeaders(context.credentials) }, { signal: context.signal, proxyUrl, caFile })
  if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
  return answer
}
