import { type LinesHandle } from './handle.ts'
import { type OperatorText } from './operator.ts'

type Route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, handler: (input: { params: any, query: Record<string, string | undefined>, body: any }) => unknown) => void

interface Typed {
  text?: string
  files?: { name: string, base64: string }[]
}

function operatorText(body: Typed): OperatorText {
  return {
    ...(body.text === undefined ? {} : { text: body.text }),
    files: (body.files ?? []).map((file) => ({ name: file.name, bytes: Buffer.from(file.base64, 'base64') })),
  }
}

function by(id: unknown): { userId?: number } {
  return id === undefined ? {} : { userId: Number(id) }
}

/** `/sandbox/lines/...`: what operators and the administrator of the lines do, over HTTP. */
export function addLineControl(route: Route, handle: () => LinesHandle): void {
  route('GET', '/lines', () => handle().list())
  route('POST', '/lines', ({ body }) => ({ id: handle().add(body) }))
  route('PATCH', '/lines/:id', ({ params, body }) => handle().update(Number(params.id), body))
  route('DELETE', '/lines/:id', ({ params, query }) => handle().remove(Number(params.id), by(query.user)))
  route('POST', '/lines/:id/disconnect', ({ params, body }) => handle().disconnect(String(body.connector), Number(params.id), by(body.userId)))
  route('POST', '/lines/:id/settings', ({ params, body }) => handle().openSettings(String(body.connector), Number(params.id), by(body.userId)))
  route('GET', '/chats', () => handle().chats())
  route('GET', '/chats/:id', ({ params }) => handle().chat(Number(params.id)))
  route('POST', '/chats/:id/say', ({ params, body }) => {
    const chatId = Number(params.id)
    // A list goes out in one event.
    if (Array.isArray(body.messages)) return handle().sayTogether(chatId, (body.messages as Typed[]).map(operatorText), by(body.userId))
    return handle().say(chatId, { ...operatorText(body as Typed), ...by(body.userId) })
  })
  route('POST', '/chats/:id/take', ({ params, body }) => handle().take(Number(params.id), by(body.userId)))
  route('POST', '/chats/:id/finish', ({ params, body }) => handle().finish(Number(params.id), by(body.userId)))
  route('PATCH', '/messages/:id', ({ params, body }) => handle().edit(Number(params.id), String(body.text), by(body.userId)))
  route('DELETE', '/messages/:id', ({ params, query }) => handle().delete(Number(params.id), by(query.user)))
}
