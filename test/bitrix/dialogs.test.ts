import { describe, expect, it } from '@jest/globals'
import { dialogOf, historyOf, sayInChatCommand, userCodeOf } from '../../src/bitrix/dialogs.ts'
import { vector } from './vectors.ts'

const resultOf = (name: string): any => vector(name).response!.body.result

describe('a dialogue', () => {
  it('is read with its session and the cards that it belongs to', () => {
    expect(dialogOf(resultOf('call.imopenlines.dialog.get.ok'))).toEqual({
      chatId: 1777,
      userCode: { text: 'livechat|22|1775|599', connector: 'livechat', line: 22, chatId: '1775', userId: '599' },
      sessionId: 343, leadId: 1209, contactId: undefined, companyId: undefined, dealId: undefined,
    })
    expect(dialogOf(resultOf('call.imopenlines.dialog.get-tutorial.ok'))).toMatchObject({ chatId: 1767, contactId: 42, leadId: undefined, sessionId: undefined })
    expect(dialogOf({ id: 5, entity_id: '', entity_data_1: null })).toEqual({ chatId: 5 })
  })

  it.each([
    ['estafeta_max|12|c5|585', { connector: 'estafeta_max', line: 12, chatId: 'c5', userId: '585' }],
    ['other|3|a|b|9', { connector: 'other', line: 3, chatId: 'a|b', userId: '9' }],
    ['', undefined],
    ['a|b|c|d', undefined],
    ['a|1|c', undefined],
  ])('has a name that is taken apart and never guessed: %s', (text, expected) => {
    expect(userCodeOf(text)).toEqual(expected === undefined ? undefined : { text, ...expected })
  })
})

describe('what is said in a chat', () => {
  it('is a system text of that chat and nobody else', () => {
    expect(sayInChatCommand('k', { chatId: 1807, text: 'Сообщение не дошло' }).params).toMatchObject({ DIALOG_ID: 'chat1807', SYSTEM: 'Y', MESSAGE: 'Сообщение не дошло' })
  })
})

describe('a history', () => {
  it('is in the order of writing, with files, external ids and people', () => {
    const history = historyOf(resultOf('call.imopenlines.session.history.get.ok'))
    expect(history).toMatchObject({ chatId: 1763, sessionId: 321, userCode: { connector: 'livechat', line: 22, chatId: '1761' } })
    expect(history.messages).toEqual([
      { id: 85833, senderId: undefined, isSystem: true, text: '[b]A new lead has been created[/b]', fileIds: [], connectorMids: [], at: Date.parse('2026-03-11T12:09:25Z') },
      { id: 85851, senderId: 103, isSystem: false, text: 'Open the task card and click Observers', fileIds: [5437], connectorMids: ['85853'], at: Date.parse('2026-03-11T12:12:46Z') },
    ])
    expect(history.files.get(5437)).toMatchObject({ id: 5437, name: '2311.png', type: 'image', sizeBytes: 70855, authorId: 103, url: expect.stringContaining('https://') })
    expect(history.users.get(103)).toEqual({ name: 'Samantha Johnson', isConnector: false })
  })

  it('is read in every spelling of PHP: nobody is 0, one id is no list, an empty map is a list', () => {
    const message = {
      9: { id: '9', senderid: 7, date: '', text: 'b', params: { connectorMid: 'm9', fileId: '3' } },
      8: { id: 8, senderid: '0', date: null, text: null, params: [] },
      10: { id: 10, senderid: '585', text: 'c', params: { connectorMid: { 0: 5, 1: 'm6' }, fileId: [] } },
    }
    const { messages, users } = historyOf({ chatId: '5', sessionId: '0', message, users: { 585: { id: '585', name: 'Анна', connector: true } }, files: [] })
    expect(messages.map(({ id, senderId, isSystem, text, connectorMids, fileIds, at }) => [id, senderId, isSystem, text, connectorMids, fileIds, at])).toEqual([
      [8, undefined, true, '', [], [], undefined],
      [9, 7, false, 'b', ['m9'], [3], undefined],
      [10, 585, false, 'c', ['5', 'm6'], [], undefined],
    ])
    expect(users.get(585)!.isConnector).toBe(true)
    expect(historyOf({ chatId: 5, message: [], users: [], files: [] }).messages).toEqual([])
  })

  it('that cannot be read says nothing of what was in it', () => {
    expect(() => historyOf({ chatId: 5, message: { 1: { id: 'x', text: 'диагноз' } } })).toThrow(expect.objectContaining({ bitrixCode: 'UNREADABLE_ANSWER', message: expect.not.stringContaining('диагноз') }))
  })
})
