import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Channel, type ChannelError, type InboundFile, type OutboundFile, type OutboundMessage, type RawRequest, type Sent } from '../../src/channels/channel.ts'
import { isSentence, refusalOf, shown } from './judging.ts'
import { sessionContract } from './session-contract.ts'
import { useVendor, type Trouble, type VendorKind } from './vendor-side.ts'

/** Replies that may name the vendor's own address. */
export type Replies<Answer> = (url: string) => readonly (Answer | Trouble)[]

export interface ConversationFixtures<Credentials, Answer> {
  readonly channel: Channel<Credentials>
  readonly form: Readonly<Record<string, string>>
  readonly vendor: VendorKind<Answer>
  readonly message: OutboundMessage
  readonly genuine: readonly RawRequest[]
  /** The ids of the one patient in `genuine`, and the patient's number. */
  readonly person: { readonly ids: readonly string[]; readonly phone?: string }
  /** A file that the messenger takes, the answers to its sending, and what silence and F34, where files have a limit of their own, look like at the first of them. */
  readonly file?: { readonly sent: OutboundFile; readonly replies: Replies<Answer>; readonly result: Sent; readonly limited?: Answer; readonly isUploadedFirst: boolean }
  /** F35: files that the messenger would take and not show. */
  readonly refusedFiles?: readonly OutboundFile[]
  /** `beforeCaption`: answers to what is asked before a caption may be changed. */
  readonly edit?: { readonly done: Answer; readonly same?: Answer; readonly beforeCaption?: readonly Answer[]; readonly late: readonly Answer[] }
  readonly remove?: { readonly done: Answer; readonly gone: Answer; readonly late: readonly Answer[] }
  readonly download?: { readonly file: InboundFile; readonly replies: Replies<Answer>; readonly bytes: Uint8Array; readonly gone: readonly Replies<Answer>[] }
  readonly startLink?: { readonly title: string; readonly link: string; readonly nameless: string }
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Every place of a JSON document, by its path. */
const placesOf = (value: Json, path: readonly string[] = []): (readonly string[])[] => {
  if (typeof value !== 'object' || value === null) return [path]
  return [...(path.length === 0 ? [] : [path]), ...Object.entries(value).flatMap(([key, part]) => placesOf(part, [...path, key]))]
}

const partAt = (value: Json, path: readonly string[]): Json => path.reduce<Json>((part, key) => (part as { [key: string]: Json })[key]!, value)

const put = (value: Json, path: readonly string[], part: Json | undefined): Json => {
  const copy = structuredClone(value)
  const parent = partAt(copy, path.slice(0, -1)) as { [key: string]: Json }
  const key = path.at(-1)!
  if (part === undefined) Reflect.deleteProperty(parent, key)
  else parent[key] = part
  return copy
}

const holdsAny = (part: Json, ids: readonly string[]): boolean => placesOf(part).some((path) => {
  const leaf = partAt(part, path)
  return typeof leaf !== 'object' && ids.some((id) => String(leaf).includes(id))
})

/** What holds for every messenger that carries conversations; a capability that a channel lacks is refused, never half done. */
export const conversationContract = <Credentials, Answer>(fixtures: ConversationFixtures<Credentials, Answer>): void => {
  const { channel, form, message } = fixtures

  describe(`${channel.id}: the contract of conversations`, () => {
    const used = useVendor(fixtures)
    const { vendor, contextOf, calling } = used
    const credentials = channel.parseCredentials(form)
    const send = async (change: Partial<OutboundMessage>, isImpatient = false): Promise<Sent> => calling((context) => channel.send({ ...message, ...change }, context), { isImpatient })
    const secrets = [...channel.fields.filter(({ secret }) => secret).flatMap(({ name }) => form[name] ?? []), message.to.slice(1), '127.0.0.1', 'secret-file-address']
    const expectContent = (error: ChannelError): void => {
      expect(error).toMatchObject({ failure: { class: 'content' }, outcome: 'rejected' })
      expect({ text: error.message, isSentence: isSentence(error.message) }).toMatchObject({ isSentence: true })
      for (const secret of secrets) expect(shown(error)).not.toContain(secret)
    }
    const address = { externalId: fixtures.file?.result.externalId ?? 'x', to: message.to }

    it('has a fixture for each capability that it declares, and none beyond', () => {
      expect(fixtures.edit !== undefined).toBe(channel.edit !== undefined)
      expect(fixtures.remove !== undefined).toBe(channel.remove !== undefined)
      expect(fixtures.download !== undefined).toBe(channel.download !== undefined)
      expect(fixtures.startLink !== undefined).toBe(channel.startLink !== undefined)
      expect(fixtures.file !== undefined).toBe(channel.limits.files !== undefined)
      for (const size of [channel.limits.files?.maxBytes, channel.limits.files?.captionLength]) if (size !== undefined) expect(size).toBeGreaterThan(0)
      expect(channel.limits.freeTextLength ?? channel.limits.textLength).toBeGreaterThanOrEqual(channel.limits.textLength)
    })

    it('F11 F42 never makes an event in another person\'s name of a damaged update', () => {
      const { ids, phone } = fixtures.person
      const bodies = fixtures.genuine.map(({ body }) => body.toString('utf8'))
      const isJson = bodies.every((body) => body.startsWith('{'))
      const documents = bodies.map((body) => (isJson ? (JSON.parse(body) as Json) : Object.fromEntries(new URLSearchParams(body))))
      const written = (document: Json): string => (isJson ? JSON.stringify(document) : new URLSearchParams(Object.entries(document as { [name: string]: Json }).map(([name, part]): [string, string] => [name, typeof part === 'string' ? part : JSON.stringify(part)])).toString())
      const damaged = fc.constantFrom(...documents).chain((document) => {
        const places = placesOf(document)
        return fc.record({
          path: fc.constantFrom(...places.filter((place) => place.length > 0)),
          put: fc.oneof(fc.constant(undefined), fc.jsonValue() as fc.Arbitrary<Json>, fc.constantFrom(...places).map((place) => partAt(document, place))),
        }).map(({ path, put: part }) => ({ document, path, part }))
      })
      fc.assert(
        fc.property(damaged, ({ document, path, part }) => {
          // An update that names another person in the person's place is that person's update.
          if (part !== undefined && holdsAny(partAt(document, path), ids)) return
          let events: ReturnType<typeof channel.parse>
          try {
            events = channel.parse({ method: 'POST', headers: {}, query: {}, body: Buffer.from(written(put(document, path, part))) }, credentials)
          } catch (error) {
            expect((error as Error).constructor).toBe(Error)
            return
          }
          for (const event of events) {
            if (!('chat' in event)) continue
            expect(ids).toContain(event.chat.id)
            expect(event.chat.userId).toBe(event.chat.id)
            if (event.chat.phone !== undefined) expect(event.chat.phone).toBe(phone)
            if (event.type === 'message' && event.contact?.isOwn === true) expect(fixtures.genuine.some((one) => one.body.includes(event.contact!.phone.slice(2)))).toBe(true)
          }
        }),
        { numRuns: 1_000 },
      )
    })

    it('refuses a file that it cannot carry before anything leaves', async () => {
      vendor().replies('hangUp')
      const { files } = channel.limits
      const base: OutboundFile = fixtures.file?.sent ?? { kind: 'file', name: 'a.pdf', mimeType: 'application/pdf', bytes: Buffer.from('x') }
      const wrong: readonly OutboundMessage[] =
        files === undefined
          ? [{ ...message, text: '', file: base }]
          : [
              { ...message, text: '', file: { ...base, bytes: new Uint8Array(0) } },
              { ...message, text: '', file: { ...base, bytes: Buffer.alloc(files.maxBytes + 1) } },
              { ...message, text: 'я'.repeat(files.captionLength + 1), file: base },
              ...(files.withoutCaption ?? []).map((kind) => ({ ...message, text: 'Подпись', file: { ...base, kind } })),
            ]
      for (const one of wrong) expectContent(await refusalOf(() => send(one)))
      expect(vendor().taken()).toBe(0)
    })

    it('F35 refuses a format or a size that the messenger would not show, with a sentence that says what to do', async () => {
      vendor().replies('hangUp')
      for (const file of fixtures.refusedFiles ?? []) expectContent(await refusalOf(() => send({ text: '', file })))
      expect(vendor().taken()).toBe(0)
    })

    const { file } = fixtures
    if (file !== undefined) {
      it('sends a file by its bytes', async () => {
        vendor().replies(...file.replies(vendor().url))
        expect(await send({ text: '', file: file.sent })).toEqual(file.result)
      })

      const { limited } = file
      if (limited !== undefined) it('F34 holds up this message alone when the vendor limits files', async () => {
        vendor().replies(limited)
        const error = await refusalOf(() => send({ text: '', file: file.sent }))
        expect(error).toMatchObject({ failure: { class: 'rateLimited', code: expect.stringMatching(/^media\./) }, outcome: 'rejected' })
        expect(isSentence(error.message)).toBe(true)
        for (const secret of secrets) expect(shown(error)).not.toContain(secret)
      })

      it('F05 knows that nothing is with the patient when an upload was lost, and does not know when the message was', async () => {
        vendor().replies('stayQuiet')
        const error = await refusalOf(() => send({ text: '', file: file.sent }, true))
        expect(error).toMatchObject({ failure: { class: 'transient' }, outcome: file.isUploadedFirst ? 'rejected' : 'unknown' })
        // A request that was given up can still be on its way: it must not take a reply that is meant for the next one.
        const end = Date.now() + 2_000
        while (vendor().taken() === 0 && Date.now() < end) await sleep(10)
        const before = file.replies(vendor().url).slice(0, -1)
        vendor().replies(...before, 'hangUp')
        expect(await refusalOf(() => send({ text: '', file: file.sent }))).toMatchObject({ outcome: 'unknown' })
      })
    }

    const { edit } = fixtures
    if (edit !== undefined) {
      it('edits a text and a caption, and says when it is too late', async () => {
        for (const reply of [edit.done, edit.same]) {
          if (reply === undefined) continue
          const { beforeCaption = [] } = edit
          vendor().replies(reply)
          await channel.edit?.({ ...address, text: 'Новое', isCaption: false }, contextOf())
          expect(vendor().taken()).toBe(1)
          vendor().replies(...beforeCaption, reply)
          await channel.edit?.({ ...address, text: 'Новое', isCaption: true }, contextOf())
          expect(vendor().taken()).toBe(1 + beforeCaption.length)
        }
        for (const reply of edit.late) {
          vendor().replies(reply)
          expectContent(await refusalOf(async () => channel.edit?.({ ...address, text: 'Новое', isCaption: false }, contextOf())))
        }
        vendor().replies('hangUp')
        for (const text of ['', 'я'.repeat(channel.limits.textLength + 1)]) {
          expectContent(await refusalOf(async () => channel.edit?.({ ...address, text, isCaption: false }, contextOf())))
        }
        expect(vendor().taken()).toBe(0)
      })
    }

    const { remove } = fixtures
    if (remove !== undefined) {
      it('takes a message back, takes one that is gone for done, and says when it is too late', async () => {
        for (const reply of [remove.done, remove.gone]) {
          vendor().replies(reply)
          await channel.remove?.(address, contextOf())
          expect(vendor().taken()).toBe(1)
        }
        for (const reply of remove.late) {
          vendor().replies(reply)
          expectContent(await refusalOf(async () => channel.remove?.(address, contextOf())))
        }
      })
    }

    const { download } = fixtures
    if (download !== undefined) {
      const fetch = (maxBytes: number, isImpatient = false) => channel.download!(download.file, { ...contextOf({ isImpatient }), maxBytes })

      it('fetches the bytes of a patient\'s file', async () => {
        vendor().replies(...download.replies(vendor().url))
        const { bytes } = await fetch(1024 * 1024)
        expect(Buffer.from(bytes).equals(Buffer.from(download.bytes))).toBe(true)
      })

      it('F35 says of a file that is gone or too large what to do, and never where it lies', async () => {
        for (const replies of download.gone) {
          vendor().replies(...replies(vendor().url))
          expectContent(await refusalOf(() => fetch(1024 * 1024)))
        }
        vendor().replies(...download.replies(vendor().url))
        expectContent(await refusalOf(() => fetch(download.bytes.byteLength - 1)))
        const failing = [...download.replies(vendor().url).slice(0, -1), 'stayQuiet' as const]
        vendor().replies(...failing)
        const error = await refusalOf(() => fetch(1024, true))
        expect(error.failure.class).toBe('transient')
        for (const secret of [...secrets, download.file.ref]) expect(shown(error)).not.toContain(secret)
      })
    }

    const { startLink } = fixtures
    if (startLink !== undefined) {
      it('makes a personal start link of the bot\'s public name, and none without one', () => {
        expect(channel.startLink?.('L_k3Jx9QmZb2', { title: startLink.title, credentials })).toBe(startLink.link)
        expect(channel.startLink?.('L_k3Jx9QmZb2', { title: startLink.nameless, credentials })).toBeUndefined()
      })
    }

    if (channel.session !== undefined) sessionContract({ channel, person: fixtures.person, credentials, ...used })
  })
}
