import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { site as channel } from '../../src/channels/site/index.ts'
import { createLimiter } from '../../src/site-chat/limits.ts'
import { Browser, startClinic, untilTrue, type Clinic, type Live } from './support.ts'

let clinic: Clinic
let browser: Browser
beforeAll(async () => {
  clinic = await startClinic({ servers: 2 })
})
beforeEach(async () => {
  browser = await new Browser(clinic).open()
})
afterAll(async () => {
  await clinic.stop()
})

let sends = 0
const send = (text: string) => channel.send({ ref: `live-${++sends}`, number: sends, to: browser.visitorId, text }, clinic.channelContext())
const texts = (live: Live): string[] => live.events.filter(({ event }) => event === 'message').map(({ data }) => data.text)
/** The same browser at the other process. */
const elsewhere = (): Browser => {
  const other = new Browser(clinic, 1)
  other.token = browser.token
  return other
}

describe('live updates', () => {
  it('bring what the clinic writes, edits and takes back, and what another tab of the visitor wrote', async () => {
    const live = await browser.listen()
    const { externalId } = await send('раз')
    await live.until(() => texts(live).length === 1)
    await channel.edit!({ externalId, to: browser.visitorId, text: 'два', isCaption: false }, clinic.channelContext())
    await live.until(() => texts(live).length === 2)
    await channel.remove!({ externalId, to: browser.visitorId }, clinic.channelContext())
    await browser.write('из другой вкладки')
    await live.until(() => texts(live).length === 4)
    expect(texts(live)).toEqual(['раз', 'два', '', 'из другой вкладки'])
    live.close()
  })

  it('go on after a break at the last event: nothing is lost, nothing comes twice', async () => {
    const first = await browser.listen()
    for (const text of ['1', '2']) await send(text)
    await first.until(() => texts(first).length === 2)
    first.close()
    await untilTrue(() => !first.isOpen)
    const sent = ['3', '4', '5', '6', '7']
    for (const text of sent) await send(text)
    const second = await browser.listen(first.events.at(-1)!.id)
    await second.until(() => texts(second).length >= sent.length)
    await send('8')
    await second.until(() => texts(second).length > sent.length)
    expect(texts(second)).toEqual([...sent, '8'])
    second.close()
  })

  it('carry more than one batch and every mark across a break, whatever came between', async () => {
    const { body } = await browser.write('вопрос')
    for (let number = 0; number < 60; number += 1) await send(`ответ ${number}`)
    const live = await browser.listen(String(body.version))
    await live.until((events) => texts(live).length === 60 && events.some(({ event }) => event === 'marks'))
    expect(texts(live)).toEqual(Array.from({ length: 60 }, (_, number) => `ответ ${number}`))
    expect(live.events.findLast(({ event }) => event === 'marks')!.data).toMatchObject({ clinicReadId: body.id })
    live.close()
  })

  it('cross processes: the cursor of one is the cursor of the other', async () => {
    const here = await browser.listen()
    await send('здесь')
    await here.until(() => texts(here).length === 1)
    here.close()
    const there = await elsewhere().listen(here.events.at(-1)!.id)
    await send('там')
    await there.until(() => texts(there).length === 1)
    await browser.write('и от посетителя')
    await there.until(() => texts(there).length === 2)
    expect(texts(there)).toEqual(['там', 'и от посетителя'])
    there.close()
  })

  it('miss nothing while many write at once at both processes', async () => {
    const start = (await browser.ask('GET', '/messages')).body.cursor
    const live = await elsewhere().listen(String(start))
    await Promise.all(Array.from({ length: 20 }, (_, number) => send(`разом ${number}`)))
    await live.until(() => texts(live).length >= 20)
    expect(texts(live).sort()).toEqual(Array.from({ length: 20 }, (_, number) => `разом ${number}`).sort())
    live.close()
  })

  it('begin anew at a cursor that was never given', async () => {
    await send('раз')
    const live = await browser.listen('999999')
    await live.until(() => texts(live).length === 1)
    live.close()
  })

  it('tell nothing of another visitor', async () => {
    const other = await new Browser(clinic).open()
    const live = await other.listen()
    await send('не вам')
    await other.write('мне')
    await live.until(() => texts(live).length === 1)
    expect(texts(live)).toEqual(['мне'])
    live.close()
  })

  it('are open at most eight times for one visitor', async () => {
    const open = await Promise.all(Array.from({ length: 8 }, () => browser.listen()))
    await expect(browser.listen()).rejects.toThrow('429')
    open.forEach((live) => live.close())
    await untilTrue(async () => (await browser.listen().then((live) => live.close(), () => 'full')) !== 'full')
  })

  it('do not hold up a server that stops', async () => {
    const own = await startClinic({ cutsConnections: false })
    const live = await (await new Browser(own).open()).listen()
    await own.stop()
    await untilTrue(() => !live.isOpen)
  })
})

describe('history', () => {
  it('comes in pages by key, oldest first, and names the cursor of what follows', async () => {
    for (let number = 0; number < 60; number += 1) await send(`${number}`)
    const { body: newest } = await browser.ask('GET', '/messages')
    expect([newest.messages.length, newest.messages[0].text, newest.messages.at(-1).text, newest.hasMore]).toEqual([50, '10', '59', true])
    const { body: older } = await browser.ask('GET', `/messages?before=${newest.messages[0].id}`)
    expect([older.messages.map(({ text }: any) => text), older.hasMore]).toEqual([['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], false])
    const live = await browser.listen(String(newest.cursor))
    await send('новое')
    await live.until(() => texts(live).length === 1)
    expect(texts(live)).toEqual(['новое'])
    live.close()
  })
})

describe('limits', () => {
  it('stop a visitor who floods, and say when to come back', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, (_, number) => browser.write(`${number}`)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]!.body).toEqual({ code: 'RATE_LIMITED' })
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await (await new Browser(clinic).open()).write('другой посетитель')).status).toBe(200)
  })

  it('let a burst through, then one by one, and forget the oldest of very many keys', () => {
    let now = 1_000_000
    const limiter = createLimiter({ burst: 2, everyMs: 100 }, () => now)
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 100])
    now += 100
    expect([limiter.take('a'), limiter.take('a')]).toEqual([0, 100])
    for (let number = 0; number < 20_000; number += 1) limiter.take(`other ${number}`)
    expect(limiter.take('a')).toBe(0)
  })
})
