import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { type Channel, type Inbound, type Session } from '../../src/channels/channel.ts'
import { until } from './judging.ts'
import { newKept, type Kept, type VendorSide, type useVendor } from './vendor-side.ts'

interface Held<Credentials> extends Pick<ReturnType<typeof useVendor<Credentials, unknown>>, 'openSession'> {
  readonly channel: Channel<Credentials>
  readonly credentials: Credentials
  readonly person: { readonly ids: readonly string[] }
  readonly vendor: () => Pick<VendorSide<unknown>, 'session' | 'replies'>
}

/** What holds for every connection that lasts: what a patient writes comes into the inbox, once, whoever holds it and whatever breaks. */
export const sessionContract = <Credentials>({ channel, credentials, person, vendor, openSession }: Held<Credentials>): void => {
  const open: Session[] = []
  beforeEach(() => vendor().replies())
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (session) => session.close()))
  })
  const side = () => vendor().session!
  const hold = async (kept: Kept): Promise<Session> => {
    const session = await openSession(kept)
    open.push(session)
    return session
  }
  /** What the inbox makes of what was emitted: the same bytes count once. */
  const told = ({ emitted }: Kept): readonly Inbound[] =>
    [...new Map(emitted.map((request) => [request.body.toString('latin1'), request])).values()].flatMap((request) => channel.parse(request, credentials))
  const words = (kept: Kept) => told(kept).map((event) => (event.type === 'message' ? event.text : event.type))

  it('is held by one who takes leave, and ends when the vendor breaks it', async () => {
    const session = await hold(newKept())
    await until('it is held', () => side().held() === 1)
    await session.close()
    await session.ended
    await until('nobody holds it', () => side().held() === 0)
    const next = await hold(newKept())
    side().cut()
    await next.ended
  })

  it('brings a patient\'s words at once, in their order and in the patient\'s name', async () => {
    const kept = newKept()
    await hold(kept)
    for (const text of ['Здравствуйте', 'Приду завтра']) side().receives(text)
    await until('both are there', () => kept.emitted.length === 2)
    expect(words(kept)).toEqual(['Здравствуйте', 'Приду завтра'])
    for (const event of told(kept)) expect('chat' in event && person.ids.includes(event.chat.id)).toBe(true)
  })

  it('F32 brings what came while nobody held it to the next one, once', async () => {
    const kept = newKept()
    const first = await hold(kept)
    side().receives('Первое')
    await until('the first is there', () => kept.emitted.length === 1)
    await first.close()
    side().receives('Второе')
    await hold(kept)
    side().receives('Третье')
    await until('all are there', () => words(kept).includes('Третье'))
    expect(words(kept)).toEqual(['Первое', 'Второе', 'Третье'])
    // Whoever took leave has left nothing to be told twice.
    expect(kept.emitted).toHaveLength(3)
  })

  it('F10 brings again what could not be stored, and it counts once', async () => {
    const kept = newKept()
    const first = await hold(kept)
    kept.fails = true
    side().receives('Первое')
    await until('it was tried', () => kept.tried.length > 0)
    expect(kept.emitted).toEqual([])
    await first.close()
    kept.fails = false
    await hold(kept)
    side().receives('Второе')
    await until('both are there', () => words(kept).includes('Второе'))
    expect(words(kept)).toEqual(['Первое', 'Второе'])
  })
}
