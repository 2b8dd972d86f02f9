import { type FastifyInstance } from 'fastify'

/** A request body as it was read off the wire; parsed by each messenger according to its own rules. */
export interface UploadedFile { filename: string, contentType: string, data: Buffer }

/** Lets every body through as raw bytes: what a vendor accepts is decided by the stand-in, not by the framework. */
export function keepBodiesRaw(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** The bytes of a body, none when there was none. */
export function rawOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

/** Reads a JSON object; undefined when it is something else. */
export function parseJsonObject(raw: Buffer): Record<string, any> | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, any> : undefined
  } catch {
    return undefined
  }
}

/** Reads a urlencoded form in any character set that the platform can decode; the last value of a name counts. */
export function parseForm(raw: Buffer | string, charset = 'utf-8'): Record<string, string> {
  const decoder = new TextDecoder(charset)
  const decode = (part: string): string => {
    const bytes: number[] = []
    for (let index = 0; index < part.length; index++) {
      const char = part[index]!
      const code = char === '%' ? Number.parseInt(part.slice(index + 1, index + 3), 16) : Number.NaN
      if (Number.isNaN(code)) {
        bytes.push(...Buffer.from(char === '+' ? ' ' : char, 'latin1'))
      } else {
        bytes.push(code)
        index += 2
      }
    }
    return decoder.decode(Uint8Array.from(bytes))
  }
  const form: Record<string, string> = {}
  for (const pair of (typeof raw === 'string' ? raw : raw.toString('latin1')).split('&')) {
    if (pair === '') continue
    const [name = '', ...value] = pair.split('=')
    form[decode(name)] = decode(value.join('='))
  }
  return form
}

/** Reads `multipart/form-data`: text fields and files apart. */
export function parseMultipart(raw: Buffer, contentType: string): { fields: Record<string, string>, files: Record<string, UploadedFile> } {
  const fields: Record<string, string> = {}
  const files: Record<string, UploadedFile> = {}
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined) return { fields, files }
  const mark = Buffer.from(`--${boundary}`)
  let start = raw.indexOf(mark)
  while (start !== -1) {
    const from = start + mark.length
    const end = raw.indexOf(mark, from)
    if (end === -1) break
    readPart(raw.subarray(from + 2, end - 2), fields, files)
    start = end
  }
  return { fields, files }
}

/** A parameter of `Content-Disposition`: in quotes, or without them as RFC 2183 allows and some clients write. */
function parameterOf(head: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;"\\s][^;\\r\\n]*))`, 'i').exec(head)
  return found === null ? undefined : found[1] ?? found[2]
}

function readPart(part: Buffer, fields: Record<string, string>, files: Record<string, UploadedFile>): void {
  const split = part.indexOf('\r\n\r\n')
  if (split === -1) return
  const head = part.subarray(0, split).toString('utf8')
  const data = part.subarray(split + 4)
  const name = parameterOf(head, 'name')
  const filename = parameterOf(head, 'filename')
  if (name === undefined) return
  if (filename === undefined) fields[name] = data.toString('utf8')
  else files[name] = { filename, data, contentType: /content-type:\s*([^\r\n]+)/i.exec(head)?.[1] ?? 'application/octet-stream' }
}
