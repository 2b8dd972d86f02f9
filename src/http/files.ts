import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import { openFile } from '../flows/chat-files.ts'
import { type Deps } from '../flows/deps.ts'

type Params = { Params: { token: string; name: string } }

/** Shown in place by a browser; everything else is only saved. What can hold a script is never among them. */
const shownTypes = /^(?:image\/(?:jpeg|png|gif|webp)|audio\/[\w.+-]+|video\/(?:mp4|webm|3gpp|quicktime)|application\/pdf)$/

/**
 * Patients' files by their signed links: the portal and the history page fetch them without signing in. The bytes come from the
 * messenger at that moment; its key never leaves the process. A file is foreign content: it is never run and never guessed.
 */
export const registerFiles = (scope: FastifyInstance, deps: Deps): void => {
  const send = async (request: FastifyRequest<Params>, reply: FastifyReply): Promise<FastifyReply> => {
    reply
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-resource-policy', 'cross-origin')
      .header('cache-control', 'no-store')
    try {
      const { bytes, mimeType, name } = await openFile(deps, request.params.token)
      const type = mimeType.split(';')[0]!.trim().toLowerCase()
      const isShown = shownTypes.test(type)
      return await reply
        .type(isShown ? type : 'application/octet-stream')
        .header('content-length', bytes.byteLength)
        .header('content-disposition', `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)}`)
        .header('cache-control', 'private, max-age=3600')
        .send(request.method === 'HEAD' ? undefined : Buffer.from(bytes))
    } catch (error) {
      deps.metrics.count('estafeta_file_errors_total', { code: error instanceof AppError ? error.code : 'INTERNAL' })
      throw error
    }
  }
  scope.route<Params>({ method: ['GET', 'HEAD'], url: '/files/:token/:name', handler: send })
}
