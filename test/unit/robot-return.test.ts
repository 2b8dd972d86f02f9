import { describe, expect, it } from '@jest/globals'
import { type Attempt } from '../../src/domain/delivery.ts'
import { robotReturnOf } from '../../src/flows/robot-return.ts'
import { acted, at, callTask, given, looked, notification, receipt, replied, sent, step, stopped, woke } from './story.ts'

const titles: Readonly<Record<string, string>> = { whatsapp: 'WhatsApp', sms: 'SMS' }
const titleOf = (attempt: Attempt): string => titles[attempt.connectionId] ?? '?'
const inWhatsApp = () => given(notification()).when(looked(at(0)), sent(0, at(0)))

describe('B14: what the robot returns', () => {
  it('is the channel, the proof and its time', () => {
    expect(robotReturnOf(inWhatsApp().when(receipt(0, 'delivered', at(3))).delivery, titleOf, 'ru')).toEqual({
      values: { status: 'reached', channel: 'WhatsApp', proof: 'delivered', time: '2026-11-24T07:03:00.000Z', answer: '' },
      log: 'Пациент получил сообщение (WhatsApp)',
    })
  })

  it('is the answer where there is one', () => {
    expect(robotReturnOf(inWhatsApp().when(acted(0, 'cancel', at(3))).delivery, titleOf, 'en').values).toEqual({ status: 'reached', channel: 'WhatsApp', proof: 'acted', time: '2026-11-24T07:03:00.000Z', answer: 'cancel' })
  })

  it('is the reply, and no channel that it did not come through', () => {
    expect(robotReturnOf(inWhatsApp().when(replied('max', at(3))).delivery, titleOf, 'ru').values).toEqual({ status: 'reached', channel: '', proof: 'acted', time: '2026-11-24T07:03:00.000Z', answer: 'replied' })
  })

  it('is "not reached" with the best that is known', () => {
    const { delivery } = given(notification([step('sms', 'delivered', 30), callTask()])).when(looked(at(0)), sent(0, at(0)), woke(at(30)), looked(at(30)))
    expect(robotReturnOf(delivery, titleOf, 'ru')).toEqual({
      values: { status: 'not_reached', channel: 'SMS', proof: 'accepted', time: '2026-11-24T07:00:00.000Z', answer: '' },
      log: 'Пациента достичь не удалось (SMS)',
    })
  })

  it('is empty where nothing was tried', () => {
    expect(robotReturnOf(given(notification()).when(stopped(at(1))).delivery, titleOf, 'ru').values).toEqual({ status: 'stopped', channel: '', proof: '', time: '2026-11-24T07:01:00.000Z', answer: '' })
  })
})
