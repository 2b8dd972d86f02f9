import { describe, expect, it } from '@jest/globals'
import { BitrixError, withOutcome, type BitrixAction } from '../../src/bitrix/errors.ts'
import { errorIn } from '../../src/bitrix/answer.ts'
import { inLanguage } from '../../src/words/english.ts'
import { vector } from './vectors.ts'

const of = (httpStatus: number, bitrixCode: string, description = ''): BitrixError => new BitrixError({ method: 'crm.item.get', httpStatus, bitrixCode, description })

describe('the error table', () => {
  const expected: [string, BitrixAction, 'rejected' | 'unknown', boolean][] = [
    ['error.no-auth-found', 'refresh', 'rejected', false],
    ['error.method-not-found', 'giveUp', 'rejected', false],
    ['error.operation-time-limit', 'pauseMethod', 'rejected', true],
    ['error.query-limit', 'backOff', 'rejected', true],
    ['error.overload', 'stopTraffic', 'rejected', true],
    ['error.portal-deleted', 'park', 'rejected', true],
    ['error.https-required', 'giveUp', 'rejected', false],
    ['call.app.info.err', 'giveUp', 'rejected', false],
    ['call.imconnector.register.webhook-denied', 'giveUp', 'rejected', false],
    ['call.crm.activity.configurable.add.err', 'giveUp', 'rejected', false],
  ]
  it.each(expected)('judges %s: %s, %s', (name, action, outcome, retryable) => {
    const { body, httpStatus } = vector(name).response!
    expect(errorIn(body, 'x', httpStatus!)).toMatchObject({ action, outcome, retryable, bitrixCode: body.error })
  })

  it.each<[number, string, string, BitrixAction, 'rejected' | 'unknown']>([
    [401, 'expired_token', '', 'refresh', 'rejected'],
    [401, 'something new', '', 'refresh', 'rejected'],
    [403, 'user_access_error', '', 'otherUser', 'rejected'],
    [403, 'insufficient_scope', '', 'giveUp', 'rejected'],
    [403, 'ACCESS_DENIED', 'REST API is available only on commercial plans.', 'stopTraffic', 'rejected'],
    [403, 'ACCESS_DENIED', 'Access denied!', 'giveUp', 'rejected'],
    [500, 'INTERNAL_SERVER_ERROR', '', 'backOff', 'unknown'],
    [200, 'ERROR_UNEXPECTED_ANSWER', '', 'backOff', 'unknown'],
    [500, 'SOMETHING_NEW', '', 'backOff', 'unknown'],
    [302, '', '', 'moved', 'rejected'],
    [400, '0', 'Other errors', 'giveUp', 'rejected'],
    [400, '', 'Trigger not found', 'giveUp', 'rejected'],
    [400, 'Communication type is not defined', '', 'giveUp', 'rejected'],
    [400, 'NOT_ACTIVE_LINE', '', 'connectLine', 'rejected'],
    [400, 'IMCONNECTOR_NO_CORRECT_PROVIDER', '', 'connectLine', 'rejected'],
    [200, 'APPLICATION_REGISTRATION_ERROR', '', 'giveUp', 'rejected'],
    [400, 'CHAT_NOT_IN_CRM', '', 'giveUp', 'rejected'],
    [400, 'MISSING_REQUIRED_PARAM', '', 'giveUp', 'rejected'],
    [400, 'ACTIVITY_IS_ALREADY_BOUND', '', 'alreadyDone', 'rejected'],
    [400, 'ERROR_CORE', 'Unable to set placement handler: Handler already binded', 'alreadyDone', 'rejected'],
    [400, 'PAYMENT_REQUIRED', '', 'park', 'rejected'],
    [400, 'invalid_grant', '', 'reinstall', 'rejected'],
    [400, 'invalid_client', '', 'stopTraffic', 'rejected'],
  ])('judges %s %j %j', (status, code, description, action, outcome) => {
    expect(of(status, code, description)).toMatchObject({ action, outcome })
  })

  it('reads the errors of REST 3.0 too', () => {
    expect(errorIn({ error: { code: 'X_NOT_FOUND', message: 'No such thing' } }, 'x', 400)).toMatchObject({ bitrixCode: 'X_NOT_FOUND', description: 'No such thing' })
  })

  it('says in one sentence what to do, naming the method and a plain code only', () => {
    expect(of(400, 'invalid_grant').message).toBe(
      'Битрикс24 (crm.item.get, invalid_grant): не осталось действующего входа; пусть администратор откроет приложение в Битрикс24 или установит его заново.',
    )
    expect(inLanguage('en', of(400, 'invalid_grant').message)).toBe(
      'Bitrix24 (crm.item.get, invalid_grant): no valid sign-in is left; an administrator should open the application in Bitrix24 or install it again.',
    )
    expect(of(400, "Phone '+79991234567' is bad").message).not.toContain('999')
  })

  it('keeps everything else when only the outcome changes', () => {
    const error = withOutcome(of(500, 'INTERNAL_SERVER_ERROR'), 'rejected')
    expect(error).toMatchObject({ outcome: 'rejected', action: 'backOff', bitrixCode: 'INTERNAL_SERVER_ERROR', httpStatus: 500 })
  })
})
