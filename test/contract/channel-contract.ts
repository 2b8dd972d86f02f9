import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ChannelError, type Channel, type ChannelContext, type OutboundMessage, type RawRequest, type Sent } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { rankOf, type FailureClass } from '../../src/domain/receipt.ts'
import { AppError } from '../../src/errors.ts'
import { post } from './vectors.ts'
import { startVendor, type Reply, type Vendor } from './vendor.ts'

export interface Refusal {
  readonly name: string
  readonly answer: Reply
  readonly class: FailureClass
  readonly code: string
  readonly outcome: 'rejected' | 'unknown'
  readonly retryAfterSeconds?: number
}

export interface Fixtures<Credentials> {
  readonly channel: Channel<Credentials>
  /** The settings form of a person who filled everything in. */
  readonly form: Readonly<Record<string, string>>
  /** The field that holds the vendor's address. */
  readonly addressField: string
  /** Fields without which the form is refused, each on its own. */
  readonly needed: readonly string[]
  readonly genuine: readonly RawRequest[]
  readonly forged: readonly RawRequest[]
  readonly unsupported: readonly RawRequest[]
  readonly unreadable: readonly RawRequest[]
  readonly message: OutboundMessage
  readonly accepted: { readonly answer: Reply; readonly sent: Sent }
  readonly refusals: readonly Refusal[]
  /** The vendor's answer to a token that it does not take. */
  readonly unauthorized: Reply
}

const isRussianSentence = (text: string): boolean => /^[А-ЯA-Z][^\n]*[.!]$/.test(text) && /[а-я]/.test(text)

/** Everything of an error that a log could ever show. */
const shown = (error: unknown): string => {
  const parts: unknown[] = []
  for (let part = error; part !== undefined && part !== null; part = (part as { cause?: unknown }).cause) {
    parts.push(part instanceof Error ? [part.message, part.stack, JSON.stringify(part), Object.entries(part)] : part)
  }
  return JSON.stringify(parts)
}

const thrownBy = async (act: () => Promise<unknown>): Promise<unknown> => {
  try {
    await act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** What holds for every messenger; its own test adds what its updates mean. */
export const channelContract = <Credentials>(fixtures: Fixtures<Credentials>): void => {
  const { channel, form, message } = fixtures

  describe(`${channel.id}: the contract of a channel`, () => {
    let vendor: Vendor
    const http = createHttp()
    const impatient = createHttp({ timeoutMs: 300 })
    const credentials = channel.parseCredentials(form)
    const context = (address = vendor.url, client = http): ChannelContext<Credentials> => ({
      credentials: channel.parseCredentials({ ...form, [fixtures.addressField]: address }),
      http: client,
      signal: new AbortController().signal,
    })
    const secrets = [...channel.fields.filter(({ secret }) => secret).flatMap(({ name }) => form[name] ?? []), message.to.slice(1), message.text, '127.0.0.1']
    const expectSilentAboutSecrets = (error: unknown): void => {
      for (const secret of secrets) expect(shown(error)).not.toContain(secret)
    }

    beforeAll(async () => {
      vendor = await startVendor()
    })
    afterAll(async () => {
      http.close()
      impatient.close()
      await vendor.close()
    })

    it('states its abilities as consistent data', () => {
      const { receipts, limits, fields } = channel
      expect(channel.id).toMatch(/^[a-z]+$/)
      expect(receipts[0]).toBe('accepted')
      expect([...new Set(receipts)].sort((a, b) => rankOf(a) - rankOf(b))).toEqual(receipts)
      expect(receipts.includes('acted')).toBe(limits.buttons !== undefined)
      expect(channel.addressedBy === 'identity').toBe(channel.canStart === 'afterPatientWrote')
      expect(limits.textLength).toBeGreaterThan(0)
      expect(limits.perSecond).toBeGreaterThan(0)
      for (const size of Object.values(limits.buttons ?? {})) expect(size).toBeGreaterThan(0)
      expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length)
      for (const { label, hint } of fields) for (const text of [label.ru, label.en, hint?.ru, hint?.en]) expect(text).not.toBe('')
      expect(fields.find(({ name }) => name === fixtures.addressField)).toMatchObject({ advanced: true, secret: false, default: expect.stringMatching(/^https:/) })
    })

    it('reads a filled form, trims it, and fills in what may be left empty', () => {
      const padded = Object.fromEntries(Object.entries(form).map(([name, value]) => [name, ` ${value} `]))
      expect(channel.parseCredentials(padded)).toEqual(credentials)
      const needed = Object.fromEntries(fixtures.needed.map((name) => [name, form[name]]))
      expect(channel.parseCredentials({ ...needed, [fixtures.addressField]: '' })).toMatchObject({
        [fixtures.addressField]: channel.fields.find(({ name }) => name === fixtures.addressField)?.default,
      })
    })

    it.each(fixtures.needed)('names the field %s in a sentence when it is empty', (name) => {
      const error = (() => {
        try {
          channel.parseCredentials({ ...form, [name]: ' ' })
        } catch (thrown) {
          return thrown
        }
        return undefined
      })()
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: 'FORM_INVALID' })
      const sentence = (error as AppError).fields[name] ?? ''
      expect({ sentence, isSentence: isRussianSentence(sentence) }).toMatchObject({ isSentence: true })
      for (const secret of secrets) expect(shown(error)).not.toContain(secret)
    })

    it('names every empty field at once', () => {
      expect(() => channel.parseCredentials({})).toThrow(
        expect.objectContaining({ fields: Object.fromEntries(fixtures.needed.map((name) => [name, expect.stringMatching(/[а-я].*[.]$/)])) }),
      )
    })

    it.each([[undefined], [null], ['text'], [[]], [{}], [{ [fixtures.addressField]: 'ftp://example.test' }]])('refuses %j as a form', (input) => {
      expect(() => channel.parseCredentials(input)).toThrow(AppError)
    })

    it('accepts the requests that its vendor signed', () => {
      for (const request of fixtures.genuine) expect(channel.verify(request, credentials)).toBe(true)
    })

    it('F45 refuses forged and unsigned requests', () => {
      for (const request of fixtures.forged) expect(channel.verify(request, credentials)).toBe(false)
      for (const request of fixtures.genuine) expect(channel.verify({ ...request, headers: {}, body: Buffer.from('{}') }, credentials)).toBe(false)
    })

    it('makes nothing of updates that it does not support', () => {
      for (const request of fixtures.unsupported) expect(channel.parse(request, credentials)).toEqual([])
    })

    it('says of an unreadable body why, and does not quote it', () => {
      const quoted = 'слова пациента'
      for (const request of [...fixtures.unreadable, post(`{"text": ${quoted}`)]) {
        let error: unknown
        try {
          channel.parse(request, credentials)
        } catch (thrown) {
          error = thrown
        }
        expect(error).toBeInstanceOf(Error)
        expect((error as Error).constructor).toBe(Error)
        expect(shown(error)).not.toContain(quoted)
      }
    })

    it('survives any body: a list of events or a plain error', () => {
      const seeds = fixtures.genuine.map(({ body }) => body.toString('utf8'))
      const mangled = fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.string({ maxLength: 4 })).map(([seed, at, put]) => {
        const place = at % seed.length
        return seed.slice(0, place) + put + seed.slice(place + 1)
      })
      fc.assert(
        fc.property(fc.oneof(fc.json(), fc.string(), mangled), (body) => {
          try {
            expect(Array.isArray(channel.parse(post(body), credentials))).toBe(true)
          } catch (error) {
            expect((error as Error).constructor).toBe(Error)
          }
        }),
        { numRuns: 500 },
      )
    })

    it('reports no level of proof beyond those it states', () => {
      for (const request of fixtures.genuine) {
        for (const event of channel.parse(request, credentials)) {
          if (event.type === 'receipt') expect(channel.receipts).toContain(event.level)
        }
      }
    })

    it('returns the id under which receipts will come', async () => {
      vendor.replies(fixtures.accepted.answer)
      expect(await channel.send(message, context())).toEqual(fixtures.accepted.sent)
      expect(vendor.asked).toHaveLength(1)
    })

    it.each(fixtures.refusals.map((refusal) => [refusal.name, refusal] as const))('tells what %s means', async (_, refusal) => {
      vendor.replies(refusal.answer)
      const error = await thrownBy(() => channel.send(message, context(vendor.url, refusal.answer === 'stayQuiet' ? impatient : http)))
      expect(error).toBeInstanceOf(ChannelError)
      const { failure, outcome, retryAfterSeconds } = error as ChannelError
      expect({ ...failure, outcome, retryAfterSeconds }).toEqual({
        class: refusal.class,
        code: refusal.code,
        outcome: refusal.outcome,
        retryAfterSeconds: refusal.retryAfterSeconds,
      })
      expect(isRussianSentence((error as ChannelError).message)).toBe(true)
      expectSilentAboutSecrets(error)
    })

    it.each<[string, Reply, string]>([
      ['hangs up', 'hangUp', 'ECONNRESET'],
      ['stays quiet', 'stayQuiet', 'TIMEOUT'],
      ['answers 502 with a page', { status: 502, text: '<html>Bad Gateway</html>' }, '502'],
      ['answers 200 with a page', { status: 200, text: '<html>Hello</html>' }, 'answer'],
    ])('F05 leaves the outcome open when the vendor takes the request and %s', async (_, reply, code) => {
      vendor.replies(reply)
      const error = await thrownBy(() => channel.send(message, context(vendor.url, reply === 'stayQuiet' ? impatient : http)))
      expect(error).toMatchObject({ outcome: 'unknown', failure: { class: 'transient', code } })
      expect(isRussianSentence((error as ChannelError).message)).toBe(true)
      expectSilentAboutSecrets(error)
      expect(vendor.asked).toHaveLength(1)
    })

    it('knows that nothing went out when there was no connection', async () => {
      const error = await thrownBy(() => channel.send(message, context('http://127.0.0.1:1')))
      expect(error).toMatchObject({ outcome: 'rejected', failure: { class: 'transient', code: 'ECONNREFUSED' } })
      expectSilentAboutSecrets(error)
    })

    it('refuses a text that is empty or too long before anything leaves', async () => {
      vendor.replies(fixtures.accepted.answer)
      for (const text of [' ', 'я'.repeat((channel.limits.freeTextLength ?? channel.limits.textLength) + 1)]) {
        expect(await thrownBy(() => channel.send({ ...message, text }, context()))).toMatchObject({ outcome: 'rejected', failure: { class: 'content' } })
      }
      expect(vendor.asked).toHaveLength(0)
    })

    it('F47 tells the administrator what to do when the vendor does not take the key', async () => {
      vendor.replies(fixtures.unauthorized)
      const hookUrl = 'https://clinic.example/hooks/1'
      for (const act of [() => channel.connect({ ...context(), hookUrl }), () => channel.check(context())]) {
        const error = await thrownBy(act)
        expect(error).toMatchObject({ failure: { class: 'channelPermanent' } })
        expect(isRussianSentence((error as ChannelError).message)).toBe(true)
        expectSilentAboutSecrets(error)
      }
    })

    it('takes leave of a vendor that no longer knows it', async () => {
      vendor.replies(fixtures.unauthorized)
      await channel.disconnect({ ...context(), hookUrl: 'https://clinic.example/hooks/1' })
    })
  })
}
