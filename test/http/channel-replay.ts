import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { vectorNames, webhook } from '../contract/vectors.ts'
import { startSwitchboard, untouched, type Line, type LineOptions, type Subject, type Switchboard, type Trace } from './channel-line.ts'
import { query, refillBudget, type Reply } from './support.ts'

/** What a vendor's recorded webhooks must do. Names stand without the prefix. */
export interface Expectations {
  readonly prefix: string
  /** What differs from `untouched` after each sample. */
  readonly effects: Readonly<Record<string, object>>
  /** Samples about another message than the subject's. */
  readonly about?: Readonly<Record<string, string>>
  /** What the vendor wants to read; absent: nothing. */
  readonly acknowledgement?: string
  readonly forged: readonly string[]
  readonly unreadable: readonly string[]
  /** Samples that another test of the file names. */
  readonly apart?: readonly string[]
  /** The same events in other bytes, signed anew: vendors write a repetition afresh. */
  rewrite(request: RawRequest): RawRequest
  /** The same bytes without their proof, with a wrong one, or changed on the way. */
  forge(request: RawRequest): readonly RawRequest[]
}

export interface Replay {
  readonly board: () => Switchboard
  openLine(options?: LineOptions): Promise<Line>
  send(line: Line, request: RawRequest): Promise<Reply>
  traceOf(line: Line): Promise<Trace>
  /** Whether one request has its effect on a line of its own, and once alone; `options` open the line. */
  expectEffect(request: RawRequest, effect: object, options?: LineOptions): Promise<void>
  /** Whether one request is answered as a genuine one, kept with a reason, and has no effect. */
  expectUnreadable(request: RawRequest): Promise<void>
}

/** What a trace must look like. Whoever is found by their phone is bound to a card, or not: that is told elsewhere. */
const expectedOf = (effect: object): object => {
  const isFound = (effect as { said?: string[] }).said?.includes('findContact') === true
  return { ...untouched, ...effect, ...(isFound ? { said: expect.arrayContaining(['findContact']), people: [expect.anything()] } : {}) }
}

/** Replays every recorded webhook of a vendor to the channel's route, genuine, repeated, forged and unreadable. */
export const replayVectors = (subject: Subject, expectations: Expectations): Replay => {
  const { prefix, effects, about = {}, acknowledgement = '', forged, unreadable, apart = [] } = expectations
  let board: Switchboard
  const durations: number[] = []
  const sample = (name: string): RawRequest => webhook(`${prefix}${name}`)
  const optionsOf = (name: string): LineOptions => (about[name] === undefined ? {} : { externalId: about[name] })
  const replay: Replay = {
    board: () => board,
    openLine: async (options) => board.openLine(subject, options),
    send: async (line, request) => board.send(line.hook, request),
    traceOf: async (line) => board.traceOf(line),
    expectEffect: async (request, effect, options) => {
      const line = await board.openLine(subject, options)
      const reply = await board.send(line.hook, request)
      expect([reply.status, reply.body]).toEqual([200, acknowledgement])
      durations.push(reply.durationMs)
      await board.send(line.hook, request)
      expect((await board.keptOf(line)).map(({ state, reason }) => ({ state, reason }))).toEqual([{ state: 'done', reason: null }])
      const first = await board.traceOf(line)
      expect(first).toMatchObject(expectedOf(effect))
      await board.send(line.hook, expectations.rewrite(request))
      // A message that is not ours, or not yet, waits for its send; it waits as often as it is told.
      expect({ ...(await board.traceOf(line)), parked: undefined }).toEqual({ ...first, parked: undefined })
    },
    expectUnreadable: async (request) => {
      const line = await board.openLine(subject)
      const reply = await board.send(line.hook, request)
      expect([reply.status, reply.body]).toEqual([200, acknowledgement])
      const kept = await board.keptOf(line)
      expect(kept).toEqual([{ state: 'unreadable', reason: expect.stringMatching(/\w/), body: request.body }])
      expect(kept[0]!.reason).not.toContain('{')
      expect(await board.traceOf(line)).toEqual(untouched)
    },
  }
  beforeAll(async () => {
    board = await startSwitchboard()
  })
  beforeEach(async () => {
    await refillBudget(board.stage.app)
  })
  afterAll(async () => {
    await board.stage.stop()
  })

  it(`no webhook sample of ${prefix} is left out`, () => {
    const recorded = vectorNames(prefix).filter((name) => !name.startsWith('response-'))
    expect([...Object.keys(effects), ...forged, ...unreadable, ...apart].sort()).toEqual(recorded)
  })

  describe(`a webhook to ${subject.channel}`, () => {
    it.each(Object.entries(effects))('%s is answered, has its effect once, and a repetition changes nothing', async (name, effect) => {
      await replay.expectEffect(sample(name), effect, optionsOf(name))
    })

    it('is answered in less than 200 ms, nine of ten times', () => {
      const sorted = [...durations].sort((a, b) => a - b)
      expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(200)
    })
  })

  describe(`a webhook to ${subject.channel} that proves nothing`, () => {
    if (forged.length > 0)
      it.each(forged)('%s is answered and leaves nothing', async (name) => {
        const line = await board.openLine(subject)
        const reply = await board.send(line.hook, sample(name))
        expect([reply.status, reply.body, await board.keptOf(line), await board.traceOf(line)]).toEqual([200, '', [], untouched])
      })

    it.each(Object.keys(effects).filter((name) => Object.keys(effects[name]!).length > 0))('%s without its proof, with a wrong one or changed on the way leaves nothing', async (name) => {
      const line = await board.openLine(subject, optionsOf(name))
      const attempts = expectations.forge(sample(name))
      expect(attempts.length).toBeGreaterThan(0)
      for (const request of attempts) {
        const reply = await board.send(line.hook, request)
        expect([reply.status, reply.body]).toEqual([200, ''])
      }
      expect([await board.keptOf(line), await board.traceOf(line)]).toEqual([[], untouched])
    })
  })

  if (unreadable.length > 0)
    describe(`a webhook to ${subject.channel} that cannot be read`, () => {
      it.each(unreadable)('%s is answered 200 and kept with the reason', async (name) => {
        await replay.expectUnreadable(sample(name))
      })
    })
  return replay
}

/** The same body with a space more. */
export const spaced = ({ body }: RawRequest): Buffer => Buffer.from(`${body.toString('utf8')} `)

/** Rows of patients' words as they were kept for one connection, oldest first. */
export const wordsOf = async (board: Switchboard, { connection }: Line): Promise<readonly { readonly direction: string; readonly author: string; readonly body: string; readonly files: number; readonly state: string; readonly deleted: boolean }[]> =>
  query(board.stage.app, `select direction, author, body, coalesce(jsonb_array_length(files), 0) as files, state, deleted_at is not null as deleted from messages where connection_id = '${connection}' and author <> 'robot' order by message_id`)
