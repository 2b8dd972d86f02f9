import { z } from 'zod'
import { ChannelError, type InboundFile } from '../channel.ts'
import { downloadFile, goneFile, type Downloaded } from '../http.ts'
import { call, read, type Context } from './api.ts'

const fileAnswer = z.looseObject({ downloadUrl: z.string() })

/**
 * The bytes of a patient's file; `ref` names the message, and its address is asked for afresh.
 *
 * @see https://green-api.com/docs/api/receiving/files/DownloadFile/
 */
export const download = async ({ ref }: InboundFile, context: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const [idMessage = '', chatId = ''] = ref.split(' ')
  const { downloadUrl } = read(fileAnswer, await askForAddress(idMessage, chatId, context))
  const { proxyUrl, caFile } = context.credentials
  if (!/^https?:$/.test(URL.parse(downloadUrl)?.protocol ?? '')) throw goneFile()
  return downloadFile(context.http, { url: downloadUrl }, { signal: context.signal, proxyUrl, caFile, maxBytes: context.maxBytes })
}

const askForAddress = async (idMessage: string, chatId: string, context: Context) => {
  try {
    return await call(context, 'downloadFile', { json: { chatId, idMessage } })
  } catch (error) {
    // 400 of a message that the vendor no longer has.
    throw error instanceof ChannelError && error.failure.code === '400' ? goneFile() : error
  }
}
