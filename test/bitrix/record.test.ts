import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { recordOf, type AttemptView, type RecordView } from '../../src/bitrix/record.ts'
import { addRecordCommands, addTaskCommand, foundRecordIdOf, foundTaskIdOf } from '../../src/bitrix/timeline.ts'
import { failureClasses, proofs } from '../../src/domain/receipt.ts'

const at = (time: string): number => Date.parse(`2026-03-12T${time}:00+03:00`)
const options = { language: 'ru', timeZone: 'Europe/Moscow' } as const

const story: RecordView = {
  purpose: 'reminder',
  attempts: [
    { channelTitle: 'WhatsApp', state: 'sent', times: { accepted: at('10:00'), sent: at('10:00') }, waitedMinutes: 60 },
    { channelTitle: 'Telegram', state: 'skipped', skipReason: 'blocked' },
    { channelTitle: 'MAX', state: 'accepted', times: { accepted: at('11:01') }, waitedMinutes: 60 },
    { channelTitle: 'SMS', state: 'delivered', times: { accepted: at('12:03'), delivered: at('12:04') } },
  ],
  outcome: { kind: 'reached', channelTitle: 'SMS', proof: 'delivered', at: at('12:04') },
}
const linesOf = (view: RecordView): string[] =>
  Object.values(recordOf(view, options).layout.body.blocks).map(({ properties }: any) => (properties.block === undefined ? properties.value : `${String(properties.title)}: ${String(properties.block.properties.value)}`))

describe('the record in the timeline', () => {
  it('tells the whole way in the clinic\'s own time', () => {
    expect(linesOf(story)).toEqual([
      'WhatsApp: отправлено 10:00, доставки нет 60 мин',
      'Telegram: пропущен - пациент заблокировал бота',
      'MAX: принято 11:01, ответа нет 60 мин',
      'SMS: доставлено 12:04',
      'SMS, доставлено 12:04',
    ])
    const { fields, layout } = recordOf(story, options)
    expect(layout.header).toEqual({ title: 'Эстафета: напоминание', tags: { status: { title: 'доставлено', type: 'success' } } })
    expect(fields).toEqual({ completed: true })
  })

  it('is open and blue while the relay runs', () => {
    const { fields, layout } = recordOf({ ...story, outcome: undefined }, options)
    expect(fields.completed).toBe(false)
    expect(layout.header.tags.status).toEqual({ title: 'в пути', type: 'primary' })
  })

  it('says to call when nobody was reached', () => {
    const view: RecordView = { ...story, outcome: { kind: 'notReached', at: at('13:00') }, task: { deadlineAt: at('15:00') } }
    expect(linesOf(view).slice(-2)).toEqual(['Звонок: поручен сотруднику, до 15:00', 'Не доставлено: позвоните пациенту'])
    expect(recordOf(view, options).layout.header.tags.status!.type).toBe('failure')
  })

  it('shows the patient\'s answer', () => {
    const view: RecordView = { ...story, outcome: { kind: 'reached', channelTitle: 'MAX', proof: 'acted', at: at('14:02'), answer: 'confirm' } }
    expect(linesOf(view).at(-1)).toBe('MAX, пациент ответил 14:02. Пациент придёт')
    expect(recordOf(view, options).layout.header.tags.status).toEqual({ title: 'придёт', type: 'success' })
  })

  it('names the day of what happened on another day', () => {
    const next = at('10:00') + 24 * 3_600_000
    expect(linesOf({ ...story, outcome: { kind: 'reached', channelTitle: 'SMS', proof: 'delivered', at: next } }).at(-1)).toBe('SMS, доставлено 13.03 10:00')
  })

  it('speaks English too', () => {
    const { layout } = recordOf(story, { ...options, language: 'en' })
    expect(JSON.stringify(layout)).not.toMatch(/[А-Яа-я]/)
    expect(layout.header.title).toBe('Estafeta: reminder')
  })

  const attempt = fc.record<AttemptView>({
    channelTitle: fc.constantFrom('WhatsApp', 'SMS'),
    state: fc.constantFrom('skipped', 'sending', 'unknown', 'failed', ...proofs),
    skipReason: fc.option(fc.constantFrom('noAddress', 'blocked', 'notLooked' as const), { nil: undefined }),
    failureClass: fc.option(fc.constantFrom(...failureClasses), { nil: undefined }),
    startedAt: fc.option(fc.integer({ min: 1, max: 2e12 }), { nil: undefined }),
    times: fc.option(fc.constant({ accepted: 1e12, read: 1.1e12 }), { nil: undefined }),
    waitedMinutes: fc.option(fc.integer({ min: 1, max: 999 }), { nil: undefined }),
  })
  it('is always one that the portal takes: 1 to 20 blocks with valid keys, at most two tags, no empty text', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 30 }), fc.constantFrom('ru', 'en' as const), (attempts, language) => {
        const { layout } = recordOf({ ...story, attempts }, { ...options, language })
        const keys = Object.keys(layout.body.blocks)
        expect(keys.length).toBeGreaterThanOrEqual(1)
        expect(keys.length).toBeLessThanOrEqual(20)
        expect(keys.every((key) => /^[A-Za-z0-9_-]+$/.test(key))).toBe(true)
        expect(Object.keys(layout.header.tags)).toHaveLength(1)
        expect(JSON.stringify(layout)).not.toMatch(/undefined|null|NaN|""/)
      }),
    )
    expect(Object.keys(recordOf({ purpose: 'service', attempts: [] }, options).layout.body.blocks)).toHaveLength(1)
  })
})

describe('the commands of the timeline', () => {
  it('put one record on the deal and bind it to the contact', () => {
    const commands = addRecordCommands({ record: 'r', binding: 'b' }, { dealId: 57, contactId: 9, originId: 'd-1' }, recordOf(story, options))
    expect(commands.map(({ method }) => method)).toEqual(['crm.activity.configurable.add', 'crm.activity.binding.add'])
    expect(commands[0]!.params).toMatchObject({ ownerTypeId: 2, ownerId: 57, fields: { completed: true, originatorId: 'estafeta', originId: 'd-1' } })
    expect(commands[1]!.params).toMatchObject({ activityId: { key: 'r', path: ['activity', 'id'] }, entityTypeId: 3, entityId: 9 })
    expect(addRecordCommands({ record: 'r', binding: 'b' }, { dealId: 57, originId: 'd-1' }, recordOf(story, options))).toHaveLength(1)
  })

  it('give staff a call that says nothing of the patient and is found again by its reference', () => {
    const { params } = addTaskCommand('t', { dealId: 57, reference: 'N-42', deadlineAt: at('15:00'), language: 'ru' })
    expect(params).toMatchObject({ title: 'Позвоните пациенту', description: expect.stringContaining('N-42'), deadline: '2026-03-12T12:00:00.000Z' })
    expect(foundTaskIdOf([{ ID: '8', DESCRIPTION: null }, { ID: '7', DESCRIPTION: 'Номер: N-42' }], 'N-42')).toBe(7)
    expect(foundTaskIdOf([], 'N-42')).toBeUndefined()
    expect(foundRecordIdOf([{ ID: '3' }, { ID: '4' }])).toBe(3)
  })
})
