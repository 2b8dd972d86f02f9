import { afterAll, beforeAll } from '@jest/globals'
import { type Channel, type ChannelContext, type RawRequest, type Session } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'

/** What every vendor can do instead of answering: take what came, and then break the connection or keep silent. */
export type Trouble = 'hangUp' | 'stayQuiet'

/** A vendor at the other end of a channel, as a contract plays it; `Answer` is what this kind of vendor can say. */
export interface VendorSide<Answer> {
  /** Where it is reached: fields of the channel's form. */
  readonly form: Readonly<Record<string, string>>
  /** For answers that name the vendor's own address. */
  readonly url: string
  /** From now on it answers with these in turn, the last one for ever, and counts anew what it takes. None: nothing is the matter with it. */
  replies(...answers: readonly (Answer | Trouble)[]): void
  /** Messages, or requests, that reached it since. */
  taken(): number
  /** Where the vendor wants a connection that lasts. */
  readonly session?: {
    /** A patient's words reach the vendor, which hands them on when somebody is there to take them. */
    receives(text: string): void
    /** Breaks every connection. */
    cut(): void
    /** Who is connected. */
    held(): number
  }
  close(): Promise<void>
}

/** What is held of a vendor of this kind beside what is held of all. */
export interface KindContract<Answer> {
  readonly channel: Channel
  readonly form: Readonly<Record<string, string>>
  readonly needed: readonly string[]
  readonly send: () => Promise<unknown>
  readonly vendor: () => VendorSide<Answer>
  readonly expectSilent: (error: unknown) => void
}

export interface VendorKind<Answer> {
  start(): Promise<VendorSide<Answer>>
  /** Fields of the form by which nobody is reached. */
  readonly nobody: Readonly<Record<string, string>>
  /** The code of a connection that broke while an answer was waited for. */
  readonly hangUpCode: string
  readonly alsoHolds?: (contract: KindContract<Answer>) => void
}

/** What a connection keeps between its sessions. */
export interface Kept {
  cursor: string | undefined
  /** The inbox is away. */
  fails: boolean
  readonly tried: RawRequest[]
  readonly emitted: RawRequest[]
}

export const newKept = (cursor?: string): Kept => ({ cursor, fails: false, tried: [], emitted: [] })

const patientMs = 5_000
/** Longer than the impatient client of HTTP waits, which is to end first. */
const impatientMs = 1_000

/** Starts the vendor before the tests of a `describe` and closes it after them. */
export const useVendor = <Credentials, Answer>({ channel, form, vendor: kind }: { channel: Channel<Credentials>; form: Readonly<Record<string, string>>; vendor: VendorKind<Answer> }) => {
  let vendor: VendorSide<Answer>
  const http = createHttp()
  const impatient = createHttp({ timeoutMs: 300 })
  beforeAll(async () => {
    vendor = await kind.start()
  })
  afterAll(async () => {
    http.close()
    impatient.close()
    await vendor.close()
  })

  const contextOf = ({ form: place = vendor.form, isImpatient = false }: Place = {}): ChannelContext<Credentials> => ({
    credentials: channel.parseCredentials({ ...form, ...place }),
    http: isImpatient ? impatient : http,
    signal: AbortSignal.timeout(isImpatient ? impatientMs : patientMs),
  })

  const openSession = async (kept: Kept = newKept(), place: Place = {}): Promise<Session> =>
    channel.session!.open({
      ...contextOf(place),
      emit: async (request) => {
        kept.tried.push(request)
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (kept.fails) throw new Error('the database is away')
        kept.emitted.push(request)
      },
      cursor: { load: async () => kept.cursor, save: async (value) => void (kept.cursor = value) },
    })

  /** Calls the vendor as the application does: through a session, where messages leave through one. */
  const calling = async <Result>(act: (context: ChannelContext<Credentials>) => Promise<Result>, place: Place = {}): Promise<Result> => {
    if (channel.session?.carriesSends !== true) return act(contextOf(place))
    const session = await openSession(newKept(), { ...place, isImpatient: false })
    try {
      return await act({ ...contextOf(place), session })
    } finally {
      await session.close()
    }
  }

  return { vendor: () => vendor, contextOf, openSession, calling }
}

export interface Place {
  /** In the place of the vendor's own. */
  readonly form?: Readonly<Record<string, string>>
  /** Waits for an answer a moment and no longer. */
  readonly isImpatient?: boolean
}
