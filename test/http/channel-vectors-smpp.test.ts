import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { type RawRequest } from '../../src/channels/channel.ts'
import { record } from '../../src/db/inbox.ts'
import { portalId } from '../../src/domain/ids.ts'
import { arrivalOf, createInboxWriter } from '../../src/flows/receive.ts'
import { post, vectorNames, webhook } from '../contract/vectors.ts'
import { failed, nobody, reached, repliedByPhone, startSwitchboard, untouched, type Line, type Subject, type Switchboard } from './channel-line.ts'
import { inboxIsEmpty } from './support.ts'

const subject: Subject = { channel: 'smpp', form: { address: nobody.replace('http', 'smpp'), systemId: 'clinic', password: 'pa55word', sender: 'CLINIC' }, to: '+79000000001', message: 'abc123' }

let board: Switchboard
let pool: pg.Pool
beforeAll(async () => {
  board = await startSwitchboard()
  pool = new pg.Pool({ connectionString: board.stage.app.deps.config.databaseUrl, max: 1 })
})
afterAll(async () => {
  await pool.end()
  await board.stage.stop()
})

/** As a session does that has read it from its connection: SMPP has no route. */
const emit = async ({ connection }: Line, request: RawRequest): Promise<void> => {
  const { app, world } = board.stage
  await createInboxWriter((entries) => record(pool, entries)).write(arrivalOf({ portalId: portalId(world.portal.memberId), id: connection }, request))
  await inboxIsEmpty(app)
}

/** A receipt names its message in hex or in decimal; the spelling that is nobody's waits, and is forgotten. */
const other = { parked: 1 }
const effects: Record<string, readonly [about: string, effect: object]> = {
  'dlr-before-submit-resp': ['not-known-yet', { parked: 2 }],
  'dlr-decimal-vs-hex': ['29ee60', { ...reached('delivered'), ...other }],
  'dlr-delivrd': ['abc123', { ...reached('delivered'), ...other }],
  'dlr-enroute': ['abc123', { proof: 'sent', ...other }],
  'dlr-expired': ['abc125', { ...failed('EXPIRED 006'), ...other }],
  'dlr-rejectd': ['abc126', { ...failed('REJECTD 255'), ...other }],
  'dlr-undeliv': ['abc124', { ...failed('UNDELIV 001'), ...other }],
  'dlr-unknown': ['abc127', {}],
}

describe('what a session of SMPP read', () => {
  it('no recorded PDU is left out', () => {
    const answers = ['bind-resp-bad-password', 'submit-resp-ok', 'submit-resp-queue-full']
    expect([...Object.keys(effects), ...answers, 'dlr-garbled'].sort()).toEqual(vectorNames('smpp-'))
  })

  it.each(Object.entries(effects))('%s has its effect once, and a repetition changes nothing', async (name, [externalId, effect]) => {
    const line = await board.openLine(subject, { externalId })
    const request = webhook(`smpp-${name}`)
    await emit(line, request)
    const first = await board.traceOf(line)
    expect(first).toMatchObject({ ...untouched, ...effect })
    await emit(line, request)
    expect(await board.traceOf(line)).toEqual(first)
  })

  it('dlr-garbled is kept with the reason', async () => {
    const line = await board.openLine(subject)
    await emit(line, webhook('smpp-dlr-garbled'))
    expect([await board.keptOf(line), await board.traceOf(line)]).toMatchObject([[{ state: 'unreadable', reason: expect.stringMatching(/\w/) }], untouched])
  })

  it('an SMS of the patient ends the reminder, one of a service is nobody\'s', async () => {
    const pdu = { command: 'deliver_sm', esm_class: 0, sequence_number: 9, source_addr: '89000000001', destination_addr: '79990000000', short_message: 'Приду', id: 'a1' }
    const line = await board.openLine(subject)
    await emit(line, post({ ...pdu, source_addr: 'BANK' }))
    expect(await board.traceOf(line)).toEqual(untouched)
    await emit(line, post(pdu))
    expect(await board.traceOf(line)).toMatchObject({ ...repliedByPhone, said: expect.arrayContaining(['findContact']), people: [expect.anything()] })
  })
})

it('nothing that is posted to SMPP or e-mail comes from them', async () => {
  const line = await board.openLine(subject)
  for (const request of [webhook('smpp-dlr-delivrd'), post('')]) expect([(await board.send(line.hook, request)).status, await board.traceOf(line)]).toEqual([200, untouched])
  const email = { ...subject, channel: 'email', form: { address: 'clinic@clinic.example', password: 'pa55word', smtp: 'smtp://127.0.0.1:1', imap: 'imap://127.0.0.1:1' } }
  const mail = await board.openLine(email)
  expect([(await board.send(mail.hook, post({ from: 'patient@example.ru', text: 'Да' }))).status, await board.traceOf(mail)]).toEqual([200, untouched])
})
