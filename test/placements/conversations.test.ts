import { describe, expect, it } from '@jest/globals'
import type { ConnectorView, ConversationSettings } from '../../src/http/patient-schemas.ts'
import { chosenOf, isWell, needsConnection, nextOf, takenFrom, trialOf, type Choice } from '../../placements/connector-settings/model.ts'
import { draftOf, fieldChoices, hasChanged, isGone, keyNameProblem, lacksMoment, notUsed, withAppointment } from '../../placements/dashboard/conversations/model.ts'

const choice = (id: string, part: Partial<Choice> = {}): Choice => ({ id, name: id, title: `@${id}`, state: 'working', ...part })
const view = (part: Partial<ConnectorView> = {}): ConnectorView => ({
  connector: 'estafeta_telegram',
  channel: 'telegram',
  title: { ru: 'Эстафета: Telegram', en: 'Estafeta: Telegram' },
  line: { id: '3', name: 'Reception', isActive: true, createsLeads: false, asksVote: false },
  connections: [choice('a'), choice('b')],
  connectionId: 'a',
  status: 'active',
  problems: [],
  ...part,
})
const next = (of: ConnectorView, byHand?: string) => nextOf(of, chosenOf(of, byHand))
const well = (of: ConnectorView) => isWell(of, chosenOf(of, undefined))

describe('the connector’s page', () => {
  it('leads to the one next thing', () => {
    expect(next(view({ connections: [], connectionId: undefined, status: 'inactive' }))).toBe('add')
    expect(next(view({ connectionId: undefined, status: 'inactive' }))).toBe('choose')
    expect(next(view({ connectionId: undefined, status: 'inactive' }), 'b')).toBe('activate')
    expect(next(view(), 'b')).toBe('change')
    expect(next(view({ status: 'error' }))).toBe('repair')
    expect(next(view())).toBe('done')
  })

  it('takes the only free connection and guesses among no others', () => {
    const free = view({ connectionId: undefined, connections: [choice('a', { lineName: 'Other' }), choice('b')] })
    expect(chosenOf(free, undefined)?.id).toBe('b')
    expect(chosenOf(view({ connectionId: undefined }), undefined)).toBeUndefined()
    expect(chosenOf(view({ connectionId: undefined, connections: [choice('a', { lineName: 'Other' })] }), undefined)).toBeUndefined()
    expect(chosenOf(view(), 'gone')?.id).toBe('a')
  })

  it('says which line would fall silent', () => {
    const taken = view({ connections: [choice('a'), choice('b', { lineName: 'Children' })] })
    expect(takenFrom(taken, chosenOf(taken, 'b'))).toBe('Children')
    expect(takenFrom(view({ connections: [choice('a', { lineName: 'Reception' })] }), choice('a', { lineName: 'Reception' }))).toBeUndefined()
  })

  it('F20: calls nothing working while a problem stands, the line is off or the connection is broken', () => {
    expect(well(view())).toBe(true)
    expect(well(view({ problems: ['Two connectors are active on this line.'] }))).toBe(false)
    expect(well(view({ line: { ...view().line, isActive: false } }))).toBe(false)
    expect(well(view({ connections: [choice('a', { state: 'broken' })] }))).toBe(false)
    expect(well(view({ status: 'error' }))).toBe(false)
  })

  it('asks no connection of the connector of one chat per patient', () => {
    const all = view({ channel: undefined, connections: [], connectionId: undefined })
    expect(needsConnection(all)).toBe(false)
    expect([next(all), next({ ...all, status: 'inactive' }), well(all)]).toEqual(['done', 'activate', true])
  })

  it('says what to try by the way in which patients come', () => {
    expect([undefined, 'telegram', 'max', 'whatsapp-green', 'site', 'unheard'].map(trialOf)).toEqual(['all', 'bot', 'bot', 'number', 'site', 'number'])
  })
})

const settings: ConversationSettings = {
  oneChatPerPatient: false,
  appointment: { at: 'UF_AT', doctor: '', place: '', preparation: '', booking: false },
  dealFields: [{ name: 'UF_AT', title: 'Visit' }, { name: 'UF_DOCTOR', title: '' }],
  apiKeys: [],
  warnings: [],
}

describe('the conversations tab', () => {
  it('saves only what changed', () => {
    const saved = draftOf(settings)
    expect(hasChanged(saved, draftOf(settings))).toBe(false)
    expect(hasChanged({ ...saved, oneChatPerPatient: true }, saved)).toBe(true)
    expect(hasChanged(withAppointment(saved, { booking: true }), saved)).toBe(true)
    for (const field of ['at', 'doctor', 'place', 'preparation'] as const) expect(hasChanged(withAppointment(saved, { [field]: 'UF_X' }), saved)).toBe(true)
  })

  it('keeps a chosen field in sight that the portal no longer has, and says so', () => {
    expect(fieldChoices(settings, 'UF_GONE', '-').map(({ value }) => value)).toEqual([notUsed, 'UF_GONE', 'UF_AT', 'UF_DOCTOR'])
    expect(fieldChoices(settings, '', '-').map(({ label }) => label)).toEqual(['-', 'Visit', 'UF_DOCTOR'])
    expect([isGone(settings, 'UF_GONE'), isGone(settings, 'UF_AT'), isGone(settings, '')]).toEqual([true, false, false])
  })

  it('does not take a doctor for an appointment without its moment', () => {
    const draft = withAppointment(draftOf(settings), { at: '', doctor: 'UF_DOCTOR' })
    expect(lacksMoment(draft)).toBe(true)
    expect(lacksMoment(withAppointment(draft, { booking: true }))).toBe(false)
    expect(lacksMoment(withAppointment(draft, { doctor: '' }))).toBe(false)
  })

  it('has a name for each key', () => {
    expect([' ', 'x'.repeat(81), ' Medical system '].map(keyNameProblem)).toEqual(['nameMissing', 'nameLong', undefined])
  })
})
