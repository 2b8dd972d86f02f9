import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ChannelError, type Channel, type OutboundMessage, type RawRequest, type Sent } from '../../src/channels/channel.ts'
import { rankOf, type FailureClass } from '../../src/domain/receipt.ts'
import { AppError } from '../../src/errors.ts'
import { isSentence, refusalOf, shown, thrownBy } from './judging.ts'
import { post } from './vectors.ts'
import { useVendor, type Trouble, type VendorKind } from './vendor-side.ts'

export interface Refusal<Answer> {
  readonly name: string
  readonly answer: Answer | Trouble
  readonly class: FailureClass
  readonly code: string
  readonly outcome: 'rejected' | 'unknown'
  readonly retryAfterSeconds?: number
}

export interface Fixtures<Credentials, Answer> {
  readonly channel: Channel<Credentials>
  /** The settings form of a person who filled everything in. */
  readonly form: Readonly<Record<string, string>>
  /** Who is at the other end. */
  readonly vendor: VendorKind<Answer>
  /** Fields without which the form is refused, each on its own. */
  readonly needed: readonly string[]
  /** What the vendor posts, or what a session has emitted. */
  readonly genuine: readonly RawRequest[]
  /** Absent where nobody posts: what arrives comes through a session. */
  readonly forged?: readonly RawRequest[]
  readonly unsupported: readonly RawRequest[]
  readonly unreadable: readonly RawRequest[]
  readonly message: OutboundMessage
  readonly accepted: { readonly answer: Answer; readonly sent: Sent }
  readonly refusals: readonly Refusal<Answer>[]
  /** The vendor's answer to a token or a password that it does not take. */
  readonly unauthorized: Answer
}

const hookUrl = 'https://clinic.example/hooks/1'

/** What holds for every channel, whatever its vendor speaks; its own test adds what its updates mean. */
export const channelContract = <Credentials, Answer>(fixtures: Fixtures<Credentials, Answer>): void => {
  const { channel, form, message, needed } = fixtures

  describe(`${channel.id}: the contract of a channel`, () => {
    const { vendor, contextOf, openSession, calling } = useVendor(fixtures)
    const credentials = channel.parseCredentials(form)
    const send = async (change: Partial<OutboundMessage> = {}, place: Parameters<typeof calling>[1] = {}) => calling((context) => channel.send({ ...message, ...change }, context), place)
    const secrets = [...channel.fields.filter(({ secret }) => secret).flatMap(({ name }) => form[name] ?? []), message.to.slice(1), message.text, '127.0.0.1']
    const expectSilent = (error: unknown): void => {
      for (const secret of secrets) expect(shown(error)).not.toContain(secret)
    }
    const expectSentence = (text: string): void => expect({ text, isSentence: isSentence(text) }).toMatchObject({ isSentence: true })

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
      // One of two ways to log in is needed and not marked.
      expect(needed).toEqual(expect.arrayContaining(fields.filter(({ required }) => required).map(({ name }) => name)))
    })

    it('reads a filled form, trims it, and takes the defaults that it shows for what is left empty', () => {
      const padded = Object.fromEntries(Object.entries(form).map(([name, value]) => [name, ` ${value} `]))
      expect(channel.parseCredentials(padded)).toEqual(credentials)
      const least = Object.fromEntries(needed.map((name) => [name, form[name]]))
      const empty = Object.fromEntries(channel.fields.filter(({ name }) => !needed.includes(name)).map(({ name }) => [name, '']))
      const defaults = Object.fromEntries(channel.fields.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])))
      expect(channel.parseCredentials({ ...empty, ...least })).toEqual(channel.parseCredentials({ ...defaults, ...least }))
    })

    it.each(needed)('names the field %s in a sentence when it is empty', (name) => {
      const error = thrownBy(() => channel.parseCredentials({ ...form, [name]: ' ' }))
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: 'FORM_INVALID' })
      expectSentence((error as AppError).fields[name] ?? '')
      expectSilent(error)
    })

    it('names every empty field at once', () => {
      expect(() => channel.parseCredentials({})).toThrow(
        expect.objectContaining({ fields: Object.fromEntries(needed.map((name) => [name, expect.stringMatching(/[а-я].*[.]$/)])) }),
      )
    })

    it.each([[undefined], [null], ['text'], [[]], [{}]])('refuses %j as a form', (input) => {
      expect(() => channel.parseCredentials(input)).toThrow(AppError)
    })

    const { forged } = fixtures
    if (forged === undefined) {
      it('F45 takes nothing that is posted: what arrives comes through its session', () => {
        expect(channel.session).toBeDefined()
        for (const request of fixtures.genuine) expect(channel.verify(request, credentials)).toBe(false)
      })
    } else {
      it('accepts the requests that its vendor signed', () => {
        for (const request of fixtures.genuine) expect(channel.verify(request, credentials)).toBe(true)
      })

      it('F45 refuses forged and unsigned requests', () => {
        for (const request of forged) expect(channel.verify(request, credentials)).toBe(false)
        for (const request of fixtures.genuine) expect(channel.verify({ ...request, headers: {}, body: Buffer.from('{}') }, credentials)).toBe(false)
      })
    }

    it('makes nothing of updates that it does not support', () => {
      for (const request of fixtures.unsupported) expect(channel.parse(request, credentials)).toEqual([])
    })

    it('says of an unreadable body why, and does not quote it', () => {
      const quoted = 'слова пациента'
      for (const request of [...fixtures.unreadable, post(`{"text": ${quoted}`)]) {
        const error = thrownBy(() => channel.parse(request, credentials))
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
      vendor().replies(fixtures.accepted.answer)
      expect(await send()).toEqual(fixtures.accepted.sent)
      expect(vendor().taken()).toBe(1)
    })

    it.each(fixtures.refusals.map((refusal) => [refusal.name, refusal] as const))('tells what %s means', async (_, refusal) => {
      vendor().replies(refusal.answer)
      const error = await refusalOf(() => send({}, { isImpatient: refusal.answer === 'stayQuiet' }))
      const { failure, outcome, retryAfterSeconds } = error
      expect({ ...failure, outcome, retryAfterSeconds }).toEqual({
        class: refusal.class,
        code: refusal.code,
        outcome: refusal.outcome,
        retryAfterSeconds: refusal.retryAfterSeconds,
      })
      expectSentence(error.message)
      expectSilent(error)
    })

    it.each<[string, Trouble, string]>([
      ['hangs up', 'hangUp', fixtures.vendor.hangUpCode],
      ['stays quiet', 'stayQuiet', 'TIMEOUT'],
    ])('F05 leaves the outcome open when the vendor takes the message and %s', async (_, trouble, code) => {
      vendor().replies(trouble)
      const error = await refusalOf(() => send({}, { isImpatient: trouble === 'stayQuiet' }))
      expect(error).toMatchObject({ outcome: 'unknown', failure: { class: 'transient', code } })
      expectSentence(error.message)
      expectSilent(error)
      expect(vendor().taken()).toBe(1)
    })

    it('knows that nothing went out when there was no connection', async () => {
      const error = await refusalOf(() => send({}, { form: fixtures.vendor.nobody }))
      expect(error).toMatchObject({ outcome: 'rejected', failure: { class: 'transient', code: 'ECONNREFUSED' } })
      expectSentence(error.message)
      expectSilent(error)
    })

    if (channel.session?.carriesSends === true) {
      it('knows that nothing went out when nobody holds the session', async () => {
        vendor().replies(fixtures.accepted.answer)
        expect(await refusalOf(() => channel.send(message, contextOf()))).toMatchObject({ outcome: 'rejected', failure: { class: 'transient' } })
        expect(vendor().taken()).toBe(0)
      })
    }

    it('refuses a text that is empty or too long before anything leaves', async () => {
      vendor().replies(fixtures.accepted.answer)
      for (const text of [' ', 'я'.repeat((channel.limits.freeTextLength ?? channel.limits.textLength) + 1)]) {
        expect(await refusalOf(() => send({ text }))).toMatchObject({ outcome: 'rejected', failure: { class: 'content' } })
      }
      expect(vendor().taken()).toBe(0)
    })

    it('F47 tells the administrator what to do when the vendor does not take the key', async () => {
      vendor().replies(fixtures.unauthorized)
      const acts = [async () => channel.connect({ ...contextOf(), hookUrl }), async () => channel.check(contextOf()), ...(channel.session === undefined ? [] : [async () => openSession()])]
      for (const act of acts) {
        const error = await refusalOf(act)
        expect(error).toBeInstanceOf(ChannelError)
        expect(error).toMatchObject({ failure: { class: 'channelPermanent' } })
        expectSentence(error.message)
        expectSilent(error)
      }
    })

    it('takes leave of a vendor that no longer knows it', async () => {
      vendor().replies(fixtures.unauthorized)
      await channel.disconnect({ ...contextOf(), hookUrl })
    })

    fixtures.vendor.alsoHolds?.({ channel, form, needed, send, vendor, expectSilent })
  })
}
