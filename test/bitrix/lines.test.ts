import { describe, expect, it } from '@jest/globals'
import { connectorStatusOf, connectorTitlesOf, lineOf } from '../../src/bitrix/lines.ts'
import { vector } from './vectors.ts'

describe('lines', () => {
  it('are read with who answers in them, in every spelling of a list', () => {
    const config = { ID: '16', LINE_NAME: 'Sales Line', ACTIVE: 'N' }
    expect(lineOf({ ...config, QUEUE: { 0: '101', 1: '' } })).toMatchObject({ lineId: 16, name: 'Sales Line', isActive: false, operatorIds: [101] })
    expect(lineOf({ ID: 17, LINE_NAME: null, ACTIVE: 'Y' })).toMatchObject({ lineId: 17, name: '', isActive: true, operatorIds: [] })
  })

  it('tell which of their settings would harm conversations with patients', () => {
    const config = { ID: '22', ACTIVE: 'Y', LINE_NAME: 'Clinic', CRM: 'Y', CRM_CREATE: 'none', VOTE_MESSAGE: 'N', QUEUE: ['1'] }
    expect(lineOf(config)).toEqual({ lineId: 22, name: 'Clinic', isActive: true, operatorIds: [1], wrong: [] })
    expect(lineOf({ ...config, CRM: 'N', CRM_CREATE: 'lead', VOTE_MESSAGE: 'Y' }).wrong).toEqual(['CRM', 'CRM_CREATE', 'VOTE_MESSAGE'])
  })
})

describe('a connector in a line', () => {
  it('works when it is set up and without an error', () => {
    const { result } = vector('call.imconnector.status.ok').response!.body
    expect(connectorStatusOf(result)).toEqual({ connector: 'myconnector', lineId: 12, isConfigured: true, hasError: false, isWorking: true })
    expect(connectorStatusOf({ ...result, STATUS: 'N' }).isWorking).toBe(false)
    expect(connectorStatusOf({ ...result, STATUS: '0' }).isWorking).toBe(false)
    expect(connectorStatusOf({ ...result, STATUS: 'Y', ERROR: true }).isWorking).toBe(false)
    expect(connectorStatusOf({ CONNECTOR: 'x' })).toEqual({ connector: 'x', lineId: undefined, isConfigured: false, hasError: false, isWorking: false })
  })

  it('is listed by its title beside those of others', () => {
    expect([...connectorTitlesOf(vector('call.imconnector.list.ok').response!.body.result)]).toEqual([
      ['livechat', 'Live Chat'], ['telegrambot', 'Telegram'], ['network', 'Bitrix24.Network'], ['myconnector', 'My Connector'],
    ])
    expect(connectorTitlesOf([]).size).toBe(0)
  })
})
