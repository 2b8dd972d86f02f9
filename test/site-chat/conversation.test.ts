import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createApi } from '../../placements/widget/api.ts'
import { Conversation } from '../../placements/widget/conversation.ts'
import { site as channel } from '../../src/channels/site/index.ts'
import { origin, startClinic, untilTrue, type Clinic } from './support.ts'

let clinic: Clinic
let memory: string | null
/** Which process answers; undefined: no network. */
let server: number | undefined
let open: AbortController
let talks: Conversation[]
beforeEach(async () => {
  clinic = await startClinic({ servers: 2 })
  memory = null
  server = 0
  open = new AbortController()
  talks = []
})
afterEach(async () => {
  talks.forEach((talk) => talk.stop())
  open.abort()
  await clinic.stop()
})

/** A page of the clinic's site with the widget in it: the network is what the test says. */
const openPage = async (): Promise<Conversation> => {
  let ids = 0
  const network: typeof fetch = async (input, init) => {
    if (server === undefined) throw new TypeError('no network')
    const url = String(input).replace('http://chat', clinic.servers[server]!.url)
    const headers = new Headers(init?.headers)
    headers.set('origin', origin)
    return fetch(url, { ...init, headers, signal: init?.signal ? AbortSignal.any([init.signal, open.signal]) : open.signal })
  }
  const talk = new Conversation({
    api: createApi(`http://chat/chat/${clinic.siteKey}`, network), memory: { get: () => memory, set: (value) => { memory = value } }, language: 'ru', now: Date.now,
    newId: () => `page-${talks.length}-of-the-site-${++ids}`, onChange: () => undefined, pauseMs: () => 30,
  })
  talks.push(talk)
  await talk.start()
  return talk
}
const breakOff = (): void => {
  server = undefined
  open.abort()
}
const comeBack = (at: number): void => {
  open = new AbortController()
  server = at
}
const told = (): string[] => clinic.told().flatMap((event) => (event.type === 'message' ? [event.text] : []))
const visitor = (): string => (JSON.parse(memory!) as { token: string }).token.split('.')[0]!
const send = (ref: string, text: string) => channel.send({ ref, number: 1, to: visitor(), text }, clinic.channelContext())
const texts = (talk: Conversation): string[] => talk.chat.messages.map(({ text }) => text)

describe('the widget', () => {
  it('sends nothing before the visitor agrees, and then what was written', async () => {
    const talk = await openPage()
    expect([talk.standing, memory]).toEqual(['closed', null])
    talk.write('до согласия')
    await talk.agree()
    await untilTrue(() => talk.chat.messages.length === 1)
    expect([told(), talk.chat.pending]).toEqual([['до согласия'], []])
  })

  it('F10: keeps what is written without a network and sends it once, in order, at whatever process it finds', async () => {
    const talk = await openPage()
    await talk.agree()
    talk.write('раз')
    await untilTrue(() => talk.chat.messages.length === 1)
    breakOff()
    for (const text of ['два', 'три', 'четыре']) talk.write(text)
    await untilTrue(() => !talk.isOnline)
    expect(talk.chat.pending).toHaveLength(3)
    await send('away', 'ответ без вас')
    comeBack(1)
    await untilTrue(() => talk.chat.messages.length === 5 && talk.isOnline && told().length === 4)
    expect([told(), talk.chat.pending]).toEqual([['раз', 'два', 'три', 'четыре'], []])
    expect(texts(talk).filter((text) => text === 'ответ без вас')).toHaveLength(1)
  })

  it('goes on in the next page with the history and with what was not sent', async () => {
    const first = await openPage()
    await first.agree()
    first.write('раз')
    await untilTrue(() => first.chat.messages.length === 1)
    breakOff()
    first.write('не успело')
    first.stop()
    comeBack(0)
    const second = await openPage()
    await untilTrue(() => second.chat.messages.length === 2)
    expect([second.standing, texts(second), told()]).toEqual(['open', ['раз', 'не успело'], ['раз', 'не успело']])
  })

  it('reports delivered when a message is there and read only when it is seen', async () => {
    const talk = await openPage()
    await talk.agree()
    const { externalId } = await send('r1', 'ответ')
    const levels = (): string[] => clinic.told().flatMap((event) => (event.type === 'receipt' && event.externalId === externalId ? [event.level] : []))
    await untilTrue(() => levels().length === 1)
    expect(levels()).toEqual(['delivered'])
    talk.show(true)
    await untilTrue(() => levels().length === 2)
    expect(levels()).toEqual(['delivered', 'read'])
  })

  it('asks again when the words of the consent have changed, and loses nothing of what was written', async () => {
    const talk = await openPage()
    await talk.agree()
    clinic.change({ consentText: 'Новые условия.' })
    talk.write('вопрос')
    await untilTrue(() => talk.standing === 'again' && talk.settings!.consent.text === 'Новые условия.')
    await talk.agree()
    await untilTrue(() => talk.chat.messages.length === 1)
    expect(told()).toEqual(['вопрос'])
  })

  it('sends a file, edits, takes back, and says why a file is refused', async () => {
    const talk = await openPage()
    await talk.agree()
    talk.write('', new File(['%PDF-1.7'], 'анализы.pdf', { type: 'application/pdf' }))
    talk.write('', new File(['MZ'], 'вирус.pdf', { type: 'application/pdf' }))
    talk.write('текст')
    await untilTrue(() => talk.chat.messages.length === 2 && talk.chat.pending.length === 1)
    expect(talk.chat.messages[0]!.file).toMatchObject({ name: 'анализы.pdf', sizeBytes: 8 })
    expect(talk.chat.pending).toMatchObject([{ fileName: 'вирус.pdf', problem: 'FILE_REFUSED' }])
    const id = talk.chat.messages[1]!.id
    await talk.edit(id, 'другой текст')
    await talk.remove(talk.chat.messages[0]!.id)
    expect(talk.chat.messages).toMatchObject([{ isDeleted: true }, { text: 'другой текст' }])
  })

  it('begins anew when its token is no longer known', async () => {
    memory = JSON.stringify({ token: 'somebody-else-000001.signature', pending: [] })
    const talk = await openPage()
    await untilTrue(() => talk.standing === 'closed')
    await talk.agree()
    talk.write('снова')
    await untilTrue(() => told().length === 1)
  })
})
