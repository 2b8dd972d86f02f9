import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { site as channel } from '../../src/channels/site/index.ts'
import { createTokens } from '../../src/site-chat/keys.ts'
import { connectionId } from '../../src/domain/ids.ts'
import { Browser, form, origin, startClinic, untilTrue, type Clinic } from './support.ts'

let clinic: Clinic
let browser: Browser
beforeAll(async () => {
  clinic = await startClinic({ servers: 2 })
})
beforeEach(async () => {
  clinic.hooks.length = 0
  browser = await new Browser(clinic).open()
})
afterAll(async () => {
  await clinic.stop()
})

let sends = 0
const send = (text: string, more: object = {}) => channel.send({ ref: `ref-${++sends}`, number: sends, to: browser.visitorId, text, ...more }, clinic.channelContext())
const texts = (messages: readonly any[]): string[] => messages.map(({ text }) => text)
const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

describe('typing', () => {
  it('is told at once and not kept, no oftener than a person types, and not without consent', async () => {
    expect((await browser.ask('POST', '/typing')).status).toBe(200)
    expect(clinic.told()).toEqual([{ type: 'typing', chat: { id: browser.visitorId, userId: browser.visitorId }, at: expect.any(Number) }])
    clinic.refuseHooks(true)
    expect((await browser.ask('POST', '/typing')).status).toBe(200)
    clinic.refuseHooks(false)
    expect(await clinic.database.query('select from site_hooks')).toEqual([])
    const statuses = await Promise.all([1, 2, 3].map(async () => (await browser.ask('POST', '/typing')).status))
    expect(statuses).toContain(429)
    clinic.change({ consentText: 'Согласен на новых условиях.' })
    try {
      expect((await browser.ask('POST', '/typing')).body).toEqual({ code: 'CONSENT_NEEDED' })
    } finally {
      clinic.change({ consentText: undefined })
    }
  })
})

describe('who may speak', () => {
  it('a page of a foreign site is refused, and its browser is told nothing', async () => {
    const foreign = new Browser(clinic, 0, 'https://evil.example')
    const answer = await foreign.ask('GET', '/settings')
    expect([answer.status, answer.body, answer.headers.get('access-control-allow-origin')]).toEqual([403, { code: 'ORIGIN_REFUSED' }, null])
    foreign.token = browser.token
    expect((await foreign.write('привет')).status).toBe(403)
    expect((await fetch(`${browser.base}/messages`, { headers: { authorization: `Bearer ${browser.token}` } })).status).toBe(403)
    expect(clinic.hooks).toEqual([])
  })

  it('a page of the clinic is let in by name, before and with the request', async () => {
    const asked = await browser.ask('OPTIONS', '/messages')
    expect([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-headers')]).toEqual([204, origin, expect.stringContaining('authorization')])
    expect((await browser.ask('GET', '/settings')).headers.get('access-control-allow-origin')).toBe(origin)
  })

  it('F45: a token that is forged, torn, or of another site opens nothing', async () => {
    const [id, signature] = browser.token.split('.')
    const other = createTokens(Buffer.from('key of the visitors')).issue({ site: { portalId: clinic.portal, connectionId: connectionId('other'), siteKey: 'x' }, id: id! })
    for (const token of [`${id!}.`, `${id!}.${signature!.slice(0, -1)}`, `another-visitor-0001.${signature!}`, `.${signature!}`, 'x', other]) {
      browser.token = token
      for (const [method, path, body] of [['GET', '/messages', undefined], ['POST', '/messages', { clientId: 'client-01', text: 'x' }], ['GET', '/events', undefined], ['POST', '/marks', { readId: 1 }], ['POST', '/typing', {}]] as const) {
        expect([token, path, (await browser.ask(method, path, body)).status]).toEqual([token, path, 401])
      }
    }
  })

  it('nobody has a session without agreeing to the words of today, and what they agreed to is kept', async () => {
    const stranger = new Browser(clinic)
    for (const consentVersion of ['', 'another']) expect((await stranger.ask('POST', '/session', { consentVersion, language: 'ru' })).body).toEqual({ code: 'CONSENT_NEEDED' })
    const [kept] = await clinic.database.query<{ text: string; policy_url: string }>('select text, policy_url from site_consents where visitor_id = $1', [browser.visitorId])
    expect(kept).toEqual({ text: channel.parseCredentials(form).consentText, policy_url: form.policyUrl })
  })

  it('a new wording is accepted anew before the next message; the old consent stays as it was', async () => {
    clinic.change({ consentText: 'Согласен на новых условиях.' })
    try {
      expect(await browser.write('привет')).toMatchObject({ status: 409, body: { code: 'CONSENT_NEEDED' } })
      expect(clinic.hooks).toEqual([])
      const { body } = await browser.ask('GET', '/settings')
      expect((await browser.ask('POST', '/consent', { consentVersion: body.consent.version })).status).toBe(200)
      expect((await browser.write('привет')).status).toBe(200)
      expect(await clinic.database.query('select from site_consents where visitor_id = $1', [browser.visitorId])).toHaveLength(2)
    } finally {
      clinic.change({ consentText: undefined })
    }
  })

  it('an unknown site is not there', async () => {
    expect((await new Browser({ ...clinic, siteKey: 'nobody-has-this-key' }).ask('GET', '/settings')).status).toBe(404)
  })

  it('F45: a call without the signature, with an old one or with another body changes nothing', async () => {
    const context = clinic.channelContext()
    const wrong = { ...context, credentials: { ...context.credentials, secret: 'another secret phrase here' } }
    await expect(channel.send({ ref: 'r', number: 1, to: browser.visitorId, text: 'x' }, wrong)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '401' } })
    const url = `${clinic.servers[0]!.url}/chat/server/messages`
    const caught: { headers: Record<string, string>; body: string }[] = []
    const spy = { ...context, http: { ...context.http, call: async (request: any, options: any) => {
      caught.push({ headers: request.headers, body: JSON.stringify(request.json) })
      return context.http.call(request, options)
    } } }
    await channel.send({ ref: 'caught', number: 1, to: browser.visitorId, text: 'одно' }, spy)
    const post = async (headers: Record<string, string>, body: string) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })).status
    expect(await post(caught[0]!.headers, caught[0]!.body.replace('одно', 'иное'))).toBe(401)
    expect(await post({ ...caught[0]!.headers, 'x-site-time': String(Date.now() - 6 * 60_000) }, caught[0]!.body)).toBe(401)
    expect(texts((await browser.ask('GET', '/messages')).body.messages)).toEqual(['одно'])
  })
})

describe('what a visitor does', () => {
  it('is told to the application, signed, in order', async () => {
    const first = await browser.write('Здравствуйте', 'client-0001')
    const second = await browser.write('Болит зуб', 'client-0002', { replyTo: first.body.id })
    await browser.ask('PATCH', `/messages/${second.body.id}`, { text: 'Болит зуб справа' })
    await browser.ask('DELETE', `/messages/${first.body.id}`)
    const chat = { id: browser.visitorId, userId: browser.visitorId }
    const at = expect.any(Number)
    expect(clinic.told()).toEqual([
      { type: 'message', externalId: `m${first.body.id}`, chat, text: 'Здравствуйте', at },
      { type: 'message', externalId: `m${second.body.id}`, chat, text: 'Болит зуб', replyTo: `m${first.body.id}`, quotedText: 'Здравствуйте', at },
      { type: 'edit', externalId: `m${second.body.id}`, chat, text: 'Болит зуб справа', at },
      { type: 'delete', externalId: `m${first.body.id}`, chat, at },
    ])
    const { messages } = (await browser.ask('GET', '/messages')).body
    expect(messages).toMatchObject([{ text: '', isDeleted: true }, { text: 'Болит зуб справа', isDeleted: false, editedAt: at }])
  })

  it('F10: sent again it is one message, told once, also when both come at once', async () => {
    const both = await Promise.all([browser.write('раз', 'client-same'), browser.write('раз', 'client-same')])
    const again = await browser.write('раз', 'client-same')
    expect(new Set([...both, again].map(({ body }) => body.id)).size).toBe(1)
    expect((await browser.ask('GET', '/messages')).body.messages).toHaveLength(1)
    expect(new Set(clinic.hooks.map(({ body }) => body.toString())).size).toBe(1)
  })

  it('F10: an edit, a removal and a press that are repeated are told once', async () => {
    const { body: own } = await browser.write('раз')
    const { externalId } = await send('Придёте?', { buttons: [{ id: 'yes:1', title: 'Да' }] })
    clinic.hooks.length = 0
    const press = () => browser.ask('POST', `/messages/${externalId.slice(1)}/press`, { payload: 'yes:1', clientId: 'press-0001' })
    for (let time = 0; time < 2; time += 1) {
      await browser.ask('PATCH', `/messages/${own.id}`, { text: 'два' })
      expect((await press()).status).toBe(200)
    }
    await browser.ask('DELETE', `/messages/${own.id}`)
    expect((await browser.ask('DELETE', `/messages/${own.id}`)).status).toBe(200)
    expect(clinic.told()).toMatchObject([{ type: 'edit' }, { type: 'action', externalId: 'press-0001', messageId: externalId, payload: 'yes:1' }, { type: 'delete' }])
  })

  it('waits while the application is away and is told in its order afterwards', async () => {
    clinic.refuseHooks(true)
    const refused = await browser.write('первое', 'client-first')
    expect(refused.status).toBe(500)
    clinic.refuseHooks(false)
    await browser.write('второе')
    await browser.write('первое', 'client-first')
    expect(clinic.told()).toMatchObject([{ text: 'первое' }, { text: 'второе' }])
    expect(await clinic.database.query('select from site_hooks')).toEqual([])
  })

  it('is told by another process when the one that wrote it down died', async () => {
    clinic.refuseHooks(true)
    await browser.write('осталось')
    await clinic.database.query("update site_hooks set written_at = now() - interval '1 minute'")
    clinic.refuseHooks(false)
    await untilTrue(async () => (await clinic.database.query('select from site_hooks')).length === 0)
    // Both processes may have told it: with the same bytes, which the inbox keeps once.
    expect(new Set(clinic.hooks.map(({ body }) => body.toString())).size).toBe(1)
    expect(clinic.told()[0]).toMatchObject({ type: 'message', text: 'осталось' })
  })

  it('touches nothing of another visitor nor of the clinic', async () => {
    const { body: own } = await browser.write('моё')
    const { externalId } = await send('наше')
    const other = await new Browser(clinic).open()
    clinic.hooks.length = 0
    for (const [who, id] of [[other, own.id], [browser, externalId.slice(1)]] as const) {
      expect((await who.ask('PATCH', `/messages/${id}`, { text: 'x' })).status).toBe(404)
      expect((await who.ask('DELETE', `/messages/${id}`)).status).toBe(404)
      expect((await who.ask('POST', `/messages/${id}/press`, { payload: 'yes:1', clientId: 'press-0002' })).status).toBe(404)
    }
    await other.ask('POST', '/marks', { readId: Number(externalId.slice(1)) })
    expect((await other.ask('GET', '/messages')).body.messages).toEqual([])
    expect(clinic.hooks).toEqual([])
  })
})

describe('files', () => {
  const upload = (bytes: Uint8Array, type: string, id = `file-${Math.random().toString(36).slice(2)}-0123456789`) => browser.ask('POST', `/files/${id}`, bytes, { 'content-type': type, 'x-file-name': encodeURIComponent('../снимок.png') })

  it('go both ways with their bytes, and the application downloads what the visitor sent', async () => {
    const { body } = await upload(png, 'image/png', 'file-of-the-visitor-1')
    const { body: message } = await browser.write('снимок', undefined, { fileId: body.fileId })
    expect(message.file).toMatchObject({ kind: 'image', name: 'снимок.png', mimeType: 'image/png', sizeBytes: png.length })
    const [told] = clinic.told()
    const [file] = told?.type === 'message' ? told.files! : []
    expect(file).toEqual({ ref: 'file-of-the-visitor-1', kind: 'image', name: 'снимок.png', mimeType: 'image/png', sizeBytes: png.length })
    const got = await channel.download!(file!, { ...clinic.channelContext(), maxBytes: 1000 })
    expect([Buffer.from(got.bytes), got.mimeType]).toEqual([png, 'image/png'])

    const { externalId } = await send('', { file: { kind: 'file', name: 'Памятка.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.7') } })
    const mine = (await browser.ask('GET', '/messages')).body.messages.find((one: any) => `m${one.id}` === externalId)
    const page = await fetch(`${clinic.servers[1]!.url}${mine.file.path}`)
    expect([page.status, await page.text(), page.headers.get('content-disposition'), page.headers.get('content-security-policy')]).toEqual([200, '%PDF-1.7', expect.stringMatching(/^attachment; .*\.pdf$/), expect.stringContaining('sandbox')])
  })

  it('of a type that is not allowed, that are not what they say, or that are empty are refused', async () => {
    for (const [bytes, type] of [[png, 'application/x-msdownload'], [png, 'text/html'], [png, 'image/svg+xml'], [Buffer.from('<script>'), 'image/png'], [Buffer.from('MZ'), 'application/pdf'], [Buffer.alloc(0), 'image/png']] as const) {
      expect([type, (await upload(bytes, type)).body]).toEqual([type, { code: 'FILE_REFUSED' }])
    }
  })

  it('larger than 20 MB are refused, and so are bodies larger than a text can be', async () => {
    expect((await upload(Buffer.alloc(20 * 1024 * 1024 + 1), 'text/plain')).status).toBe(413)
    expect((await browser.write('я'.repeat(70_000))).body).toEqual({ code: 'BODY_TOO_LARGE' })
    expect((await browser.write('я'.repeat(4001))).status).toBe(422)
  })

  it('of another visitor cannot be sent nor replaced', async () => {
    await upload(png, 'image/png', 'file-of-somebody-else')
    browser = await new Browser(clinic).open()
    expect((await browser.write('', undefined, { fileId: 'file-of-somebody-else' })).status).toBe(415)
    expect((await upload(png, 'image/png', 'file-of-somebody-else')).status).toBe(415)
  })

  it('are gone with the message that is taken back', async () => {
    const { body } = await upload(png, 'image/png', 'file-that-goes-away-1')
    const { body: message } = await browser.write('', undefined, { fileId: body.fileId })
    await browser.ask('DELETE', `/messages/${message.id}`)
    expect((await fetch(`${browser.base}/files/file-that-goes-away-1`)).status).toBe(404)
    await expect(channel.download!({ kind: 'image', ref: 'file-that-goes-away-1' }, { ...clinic.channelContext(), maxBytes: 1000 })).rejects.toMatchObject({ failure: { class: 'content', code: 'file.gone' } })
  })
})

describe('what the clinic sends', () => {
  it('F10: is one message however often it is sent, and a later edit and removal find it', async () => {
    const message = { ref: 'same-ref', number: 1, to: browser.visitorId, text: 'Ждём вас', rich: [{ type: 'bold', children: [{ type: 'text', text: 'Ждём вас' }] }] as const }
    const first = await channel.send(message, clinic.channelContext())
    expect(await channel.send(message, clinic.channelContext())).toEqual(first)
    const shown = async () => (await browser.ask('GET', '/messages')).body.messages
    expect(await shown()).toMatchObject([{ author: 'clinic', text: 'Ждём вас', rich: message.rich }])
    const sent = { externalId: first.externalId, to: browser.visitorId }
    await channel.edit!({ ...sent, text: 'Ждём вас в 11:00', isCaption: false }, clinic.channelContext())
    expect(await shown()).toMatchObject([{ text: 'Ждём вас в 11:00', editedAt: expect.any(Number) }])
    await channel.remove!(sent, clinic.channelContext())
    await channel.remove!(sent, clinic.channelContext())
    expect(await shown()).toMatchObject([{ text: '', isDeleted: true }])
    await expect(channel.edit!({ ...sent, text: 'x', isCaption: false }, clinic.channelContext())).rejects.toMatchObject({ failure: { class: 'content', code: 'message.gone' } })
  })

  it('to somebody who is not there is refused for good', async () => {
    await expect(channel.send({ ref: 'x', number: 1, to: 'nobody-of-that-name', text: 'x' }, clinic.channelContext())).rejects.toMatchObject({ outcome: 'rejected', failure: { class: 'recipientPermanent' } })
  })

  it('is delivered and read as far as the visitor says, each message once, and no further than what was sent', async () => {
    const [one, two] = [await send('раз'), await send('два')]
    await browser.ask('POST', '/marks', { deliveredId: Number(two.externalId.slice(1)) })
    await browser.ask('POST', '/marks', { readId: Number(one.externalId.slice(1)) })
    await browser.ask('POST', '/marks', { readId: Number(one.externalId.slice(1)) })
    await browser.ask('POST', '/marks', { readId: Number.MAX_SAFE_INTEGER })
    expect(clinic.told().map((event) => (event.type === 'receipt' ? [event.externalId, event.level, event.attemptRef] : event))).toEqual([
      [one.externalId, 'delivered', `ref-${sends - 1}`], [two.externalId, 'delivered', `ref-${sends}`],
      [one.externalId, 'read', `ref-${sends - 1}`], [two.externalId, 'read', `ref-${sends}`],
    ])
    const three = await send('три')
    await browser.ask('POST', '/marks', { readId: Number(three.externalId.slice(1)) })
    expect(clinic.told().slice(4)).toMatchObject([{ level: 'delivered', externalId: three.externalId }, { level: 'read', externalId: three.externalId }])
  })

  it('marks what the visitor wrote before as read', async () => {
    const { body } = await browser.write('вопрос')
    expect((await browser.ask('GET', '/messages')).body.marks.clinicReadId).toBe(0)
    await send('ответ')
    expect((await browser.ask('GET', '/messages')).body.marks.clinicReadId).toBe(body.id)
  })

  it('keeps its place when the secret phrase is changed: the code in the pages stays', async () => {
    clinic.change({ secret: 'quite another secret phrase' })
    const facts = await channel.connect(clinic.channelContext())
    expect(facts.details[0]!.value).toBe(`<script src="https://app.example/widget.js" data-site="${clinic.siteKey}" async></script>`)
    expect(await channel.check(clinic.channelContext())).toEqual(facts)
    expect((await send('и дальше')).externalId).toMatch(/^m\d+$/)
    clinic.change({ secret: form.secret })
    await channel.connect(clinic.channelContext())
  })
})
