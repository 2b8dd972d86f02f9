import { describe, expect, it } from '@jest/globals'
import { recordOf } from '../../src/bitrix/record.ts'
import { type Attempt, type Delivery } from '../../src/domain/delivery.ts'
import { recordViewOf, taskDeadline } from '../../src/flows/record-view.ts'
import { acted, at, bounced, callTask, given, leaving, looked, lost, notification, receipt, rejected, replied, sent, step, stopped, woke } from './story.ts'

const titles: Readonly<Record<string, string>> = { whatsapp: 'WhatsApp', telegram: 'Telegram', max: 'MAX', sms: 'SMS' }
const titleOf = (attempt: Attempt): string => titles[attempt.connectionId]!

/** The record as staff read it in Moscow, where the story begins at 10:00. */
const linesOf = (delivery: Delivery): readonly string[] => {
  const { layout } = recordOf(recordViewOf(delivery, titleOf), { language: 'ru', timeZone: 'Europe/Moscow' })
  return Object.values(layout.body.blocks).map(({ properties }: any) => (properties.block === undefined ? properties.value : `${properties.title}: ${properties.block.properties.value}`))
}
const tagOf = (delivery: Delivery): string => recordOf(recordViewOf(delivery, titleOf), { language: 'ru', timeZone: 'Europe/Moscow' }).layout.header.tags.status!.title

const inWhatsApp = () => given(notification()).when(looked(at(0)), sent(0, at(0)))
const inSms = () => inWhatsApp().when(receipt(0, 'sent', at(1)), woke(at(60)), looked(at(60), { none: { telegram: 'blocked', max: 'neverStarted' } }), sent(3, at(60)))

describe('B13: the record that staff read', () => {
  it('says that a message is being prepared before anything is known', () => {
    expect(linesOf(notification())).toEqual(['Готовится к отправке'])
  })

  it('tells each step with its time, what was skipped, and how it ended', () => {
    const { delivery } = inSms().when(receipt(3, 'delivered', at(62)))
    expect(linesOf(delivery)).toEqual([
      'WhatsApp: отправлено 10:01, доставки нет 60 мин', 'Telegram: пропущен - пациент заблокировал бота', 'MAX: пропущен - пациент ещё не писал боту', 'SMS: доставлено 11:02', 'SMS, доставлено 11:02',
    ])
    expect(tagOf(delivery)).toBe('доставлено')
  })

  it('waits without a verdict while it runs', () => {
    const { delivery } = inSms()
    expect(linesOf(delivery).at(-1)).toBe('SMS: принято 11:00')
    expect(tagOf(delivery)).toBe('в пути')
  })

  it('says to call, until when, and how long even the last step was waited for', () => {
    const { delivery } = inSms().when(woke(at(90)), looked(at(90)))
    expect(linesOf(delivery).slice(-3)).toEqual(['SMS: принято 11:00, ответа нет 30 мин', 'Звонок: поручен сотруднику, до 13:30', 'Не доставлено: позвоните пациенту'])
    expect(taskDeadline(delivery)).toBe(at(210))
    const alone = given(notification([step('sms', 'delivered', 30)])).when(looked(at(0)), sent(0, at(0)), woke(at(30)), looked(at(30))).delivery
    expect(linesOf(alone)).toEqual(['SMS: принято 10:00, ответа нет 30 мин', 'Не доставлено: позвоните пациенту'])
  })

  it('names the cause of a failure, and takes it back when the message arrived after all', () => {
    const failed = inWhatsApp().when(bounced(0, at(2)))
    expect(linesOf(failed.delivery)).toEqual(['WhatsApp: не отправлено 10:00 - у пациента нет этого мессенджера'])
    expect(linesOf(failed.when(receipt(0, 'delivered', at(5))).delivery)).toEqual(['WhatsApp: доставлено 10:05', 'WhatsApp, доставлено 10:05'])
    expect(linesOf(given(notification()).when(looked(at(0)), leaving(0, at(0)), rejected(0, at(0), 'channelPermanent')).delivery)).toEqual(['WhatsApp: не отправлено 10:00 - канал отказал, проверьте подключение'])
  })

  it('does not claim what nobody knows: a send without an answer', () => {
    expect(linesOf(given(notification()).when(looked(at(0)), leaving(0, at(0)), lost(0, at(1))).delivery)).toEqual(['WhatsApp: отправлено, ответа мессенджера нет 10:00'])
  })

  it('shows the patient\'s answer as the verdict', () => {
    const { delivery } = inWhatsApp().when(acted(0, 'move', at(3)))
    expect(linesOf(delivery).at(-1)).toBe('WhatsApp, пациент ответил 10:03. Пациент просит перенести')
    expect(tagOf(delivery)).toBe('просит перенести')
  })

  it('B8: a reply in a channel that was not tried is no "not delivered"', () => {
    const lines = linesOf(given(notification()).when(looked(at(0)), replied('max', at(1))).delivery)
    expect(lines.join()).not.toContain('позвоните')
    expect(lines).toEqual(['Пациент ответил 10:01'])
    expect(tagOf(inWhatsApp().when(replied('max', at(1))).delivery)).toBe('пациент ответил')
  })

  it('leaves out a step that was chosen and never made', () => {
    expect(linesOf(given(notification()).when(looked(at(0)), stopped(at(1))).delivery)).toEqual(['Остановлено 10:01: приложение отключено'])
    expect(linesOf(inWhatsApp().when(woke(at(60)), looked(at(60)), receipt(0, 'delivered', at(60))).delivery)).toEqual(['WhatsApp: доставлено 11:00', 'WhatsApp, доставлено 11:00'])
  })

  it('says why it was stopped', () => {
    expect(linesOf(inWhatsApp().when(woke(at(60)), looked(at(60), { deal: { stageId: 'WON' } })).delivery).at(-1)).toBe('Остановлено 11:00: сделка перешла на другую стадию')
  })

  it('keeps the task in the record after late truth: staff were given it', () => {
    const { delivery } = given(notification([step('sms', 'delivered', 30), callTask()])).when(looked(at(0)), sent(0, at(0)), woke(at(30)), looked(at(30)), receipt(0, 'delivered', at(40)))
    expect(linesOf(delivery)).toEqual(['SMS: доставлено 10:40', 'Звонок: поручен сотруднику, до 12:30', 'SMS, доставлено 10:40'])
  })

  it('holds nothing of the patient: no text, no name, no address', () => {
    const { delivery } = inSms().when(receipt(3, 'delivered', at(62)))
    const shown = JSON.stringify(recordOf(recordViewOf(delivery, titleOf), { language: 'ru', timeZone: 'Europe/Moscow' }))
    for (const secret of [delivery.text, delivery.contactName!, ...delivery.attempts.flatMap((attempt) => attempt.to ?? [])]) expect(shown).not.toContain(secret)
  })
})
