import type { SiteView, TransferLink } from '../../src/site-chat/protocol.ts'
import { Refused, type Api } from './api.ts'
import { canChange, emptyChat, newestOfClinic, nextPending, retryMs, withMarks, withMessages, withNewest, withOlder, withoutPending, withPending, withProblem, type Chat, type Pending } from './model.ts'

/** `closed`: nobody has agreed yet. `again`: the words of the consent are new. */
export type Standing = 'closed' | 'open' | 'again'

/** What is remembered between pages; a browser that forbids it still chats until the page is left. */
export interface Memory {
  get(): string | null
  set(value: string): void
}

export interface ConversationParts {
  readonly api: Api
  readonly memory: Memory
  readonly language: 'ru' | 'en'
  readonly now: () => number
  readonly newId: () => string
  /** Something to show has changed. */
  readonly onChange: () => void
  readonly pauseMs?: (tries: number) => number
}

interface Kept {
  readonly token?: string
  readonly pending?: readonly Pending[]
}

const readKept = (memory: Memory): Kept => {
  try {
    return (JSON.parse(memory.get() ?? '{}') ?? {}) as Kept
  } catch {
    return {}
  }
}

/**
 * A visitor's conversation: keeps the connection, sends what was written in its order - once, however often it has to try - and remembers what is
 * not sent when the page is left.
 */
/** How often the clinic is told that somebody types. */
const typingMs = 3_000

export class Conversation {
  chat: Chat = emptyChat
  standing: Standing = 'closed'
  isOnline = true
  settings: SiteView | undefined
  readonly #parts: ConversationParts
  readonly #stop = new AbortController()
  readonly #files = new Map<string, File>()
  #token: string | undefined
  #isSending = false
  #isListening = false
  #isMarking = false
  #marked = { deliveredId: 0, readId: 0 }
  #isShown = false
  #toldTypingAt = 0
  #wakeUp: (() => void) | undefined

  constructor(parts: ConversationParts) {
    this.#parts = parts
    const { token, pending = [] } = readKept(parts.memory)
    this.#token = token
    // A file is not remembered: its message would go out empty.
    this.chat = { ...emptyChat, pending: pending.filter(({ fileName }) => fileName === undefined) }
    if (token !== undefined) this.standing = 'open'
  }

  /** Asks for the site's settings and, for a visitor who was here before, goes on. @throws Refused when the site is not ours */
  async start(): Promise<void> {
    this.settings = await this.#parts.api.settings()
    this.#parts.onChange()
    if (this.#token !== undefined) this.#listen()
  }

  stop(): void {
    this.#stop.abort()
    this.#wakeUp?.()
  }

  /** The network is back: no need to wait for the next try. */
  wake(): void {
    this.#wakeUp?.()
    void this.#sendAll()
  }

  /** The visitor agrees to the words that are shown. */
  async agree(): Promise<void> {
    const { api, language } = this.#parts
    const version = (this.settings ?? (await api.settings())).consent.version
    try {
      if (this.#token === undefined) this.#token = await api.openSession(version, language)
      else await api.accept(this.#token, version)
    } catch (error) {
      // The clinic has changed the words meanwhile: the new ones are shown.
      if (error instanceof Refused && error.code === 'CONSENT_NEEDED') {
        this.settings = await api.settings()
        this.#parts.onChange()
      }
      throw error
    }
    this.standing = 'open'
    this.#keep()
    this.#listen()
    void this.#sendAll()
  }

  write(text: string, file?: File): void {
    const clientId = this.#parts.newId()
    if (file !== undefined) this.#files.set(clientId, file)
    this.#change(withPending(this.chat, { clientId, text, at: this.#parts.now(), ...(file === undefined ? {} : { fileName: file.name }) }))
    void this.#sendAll()
  }

  /** Tries again what was refused. */
  again(clientId: string): void {
    this.#change(withProblem(this.chat, clientId, undefined))
    void this.#sendAll()
  }

  drop(clientId: string): void {
    this.#files.delete(clientId)
    this.#change(withoutPending(this.chat, clientId))
  }

  async edit(id: number, text: string): Promise<void> {
    const message = this.chat.messages.find((one) => one.id === id)
    if (message === undefined || !canChange(message) || text.trim() === '' || text === message.text) return
    const changed = await this.#guarded(this.#parts.api.edit(this.#token!, id, text))
    this.#change(withMessages(this.chat, [changed]))
  }

  async remove(id: number): Promise<void> {
    const changed = await this.#guarded(this.#parts.api.remove(this.#token!, id))
    this.#change(withMessages(this.chat, [changed]))
  }

  async press(id: number, payload: string): Promise<void> {
    await this.#guarded(this.#parts.api.press(this.#token!, id, payload, this.#parts.newId()))
  }

  async loadOlder(): Promise<void> {
    const first = this.chat.messages[0]
    if (first === undefined || !this.chat.hasMore) return
    const page = await this.#guarded(this.#parts.api.history(this.#token!, first.id))
    this.#change(withOlder(this.chat, page))
  }

  async transferLinks(): Promise<readonly TransferLink[]> {
    return this.#guarded(this.#parts.api.transferLinks(this.#token!))
  }

  /** The visitor types: the clinic is told now and then, and nothing is made of it when it cannot be. */
  type(): void {
    const now = this.#parts.now()
    if (this.standing !== 'open' || now - this.#toldTypingAt < typingMs) return
    this.#toldTypingAt = now
    this.#parts.api.typing(this.#token!).catch(() => undefined)
  }

  /** Whether the visitor sees the messages now: then what is there is read. */
  show(isShown: boolean): void {
    this.#isShown = isShown
    void this.#mark()
  }

  #change(chat: Chat): void {
    this.chat = chat
    this.#keep()
    this.#parts.onChange()
    void this.#mark()
  }

  #keep(): void {
    const kept: Kept = { ...(this.#token === undefined ? {} : { token: this.#token }), pending: this.chat.pending }
    this.#parts.memory.set(JSON.stringify(kept))
  }

  /** What a refusal means for the whole conversation. */
  async #guarded<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer
    } catch (error) {
      if (error instanceof Refused && error.code === 'SESSION_INVALID') {
        this.#token = undefined
        this.#marked = { deliveredId: 0, readId: 0 }
        this.chat = { ...emptyChat, pending: this.chat.pending }
        this.standing = 'closed'
        this.#keep()
      }
      if (error instanceof Refused && error.code === 'CONSENT_NEEDED') {
        this.standing = 'again'
        this.settings = await this.#parts.api.settings().catch(() => this.settings)
      }
      this.#parts.onChange()
      throw error
    }
  }

  async #pause(tries: number, atLeastMs = 0): Promise<void> {
    const ms = Math.max(atLeastMs, (this.#parts.pauseMs ?? retryMs)(tries))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #setOnline(isOnline: boolean): void {
    if (this.isOnline === isOnline) return
    this.isOnline = isOnline
    this.#parts.onChange()
  }

  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    void this.#listenOn().finally(() => (this.#isListening = false))
  }

  async #listenOn(): Promise<void> {
    const { api } = this.#parts
    let tries = 0
    let isFirst = true
    while (this.#token !== undefined && !this.#stop.signal.aborted) {
      try {
        if (isFirst) {
          // The answer first, then the chat as it is by then: something may have been written meanwhile.
          const page = await this.#guarded(api.history(this.#token))
          this.#change(withNewest(this.chat, page))
          isFirst = false
        }
        const handlers = {
          onOpen: () => {
            tries = 0
            this.#setOnline(true)
            void this.#sendAll()
          },
          onMessage: (message: Parameters<typeof withMessages>[1][number], cursor: number) => this.#change(withMessages(this.chat, [message], cursor)),
          onMarks: (marks: Chat['marks'], cursor: number) => this.#change(withMarks(this.chat, marks, cursor)),
        }
        await this.#guarded(api.listen(this.#token, this.chat.cursor, handlers, this.#stop.signal))
      } catch {
        // Whatever it was, the loop decides: a lost session ends it, everything else is tried again.
      }
      if (this.#token === undefined || this.#stop.signal.aborted) return
      if (tries > 0) this.#setOnline(false)
      await this.#pause(tries)
      tries += 1
    }
  }

  /** One at a time, first written first. */
  async #sendAll(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    let tries = 0
    try {
      for (;;) {
        const next = nextPending(this.chat)
        if (next === undefined || this.#token === undefined || this.standing !== 'open' || this.#stop.signal.aborted) return
        try {
          await this.#send(next, this.#token)
          tries = 0
        } catch (error) {
          const code = error instanceof Refused ? error.code : 'FORM_INVALID'
          if (code === 'OFFLINE' || code === 'RATE_LIMITED') {
            if (code === 'OFFLINE' && tries > 0) this.#setOnline(false)
            await this.#pause(tries, error instanceof Refused ? error.retryAfterMs : 0)
            tries += 1
          } else if (code !== 'SESSION_INVALID' && code !== 'CONSENT_NEEDED') this.#change(withProblem(this.chat, next.clientId, code))
        }
      }
    } finally {
      this.#isSending = false
    }
  }

  async #send({ clientId, text, fileName }: Pending, token: string): Promise<void> {
    const { api } = this.#parts
    const file = this.#files.get(clientId)
    if (fileName !== undefined && file === undefined) throw new Refused('FILE_REFUSED')
    if (file !== undefined) await this.#guarded(api.upload(token, clientId, file))
    const message = await this.#guarded(api.send(token, { clientId, text, ...(file === undefined ? {} : { fileId: clientId }) }))
    this.#files.delete(clientId)
    this.#setOnline(true)
    this.#change(withMessages(withoutPending(this.chat, clientId), [message]))
  }

  async #mark(): Promise<void> {
    const newest = newestOfClinic(this.chat)
    const wanted = { deliveredId: newest, readId: this.#isShown ? newest : this.#marked.readId }
    const known = { deliveredId: Math.max(this.#marked.deliveredId, this.chat.marks.deliveredId), readId: Math.max(this.#marked.readId, this.chat.marks.readId) }
    if (this.#isMarking || this.#token === undefined || (wanted.deliveredId <= known.deliveredId && wanted.readId <= known.readId)) return
    this.#isMarking = true
    try {
      await this.#parts.api.mark(this.#token, wanted)
      this.#marked = wanted
      this.chat = withMarks(this.chat, { ...wanted, clinicReadId: 0 })
      this.#parts.onChange()
    } catch {
      // The next change brings it along; until then nothing is shown wrongly.
      return
    } finally {
      this.#isMarking = false
    }
    void this.#mark()
  }
}
