import { describe, expect, it } from '@jest/globals'
import {
  advancedHasProblem,
  draftOf,
  formOf,
  hasChanged,
  homelessProblems,
  newDraft,
  problemsOf,
  serverProblems,
  withCredential,
} from '../../placements/shared/connection/model.ts'
import { parsePhone, routesUsing } from '../../placements/dashboard/connection/model.ts'
import { bot, connection, plain, world } from './world.ts'

describe('the form of a connection', () => {
  it('begins with the defaults and a name that is free', () => {
    const taken = [connection('1', bot, { name: 'bot' }), connection('2', bot, { name: 'bot 2' })]
    expect(newDraft(bot, taken, 'en')).toMatchObject({ name: 'bot 3', credentials: { token: '', baseUrl: 'https://api.example' } })
  })

  it('never holds a stored secret and leaves an empty one out, so that the server keeps it', () => {
    const saved = connection('P', plain, { values: { login: 'clinic', sender: 'CLINIC' } })
    const draft = draftOf(saved, plain)
    expect(draft.credentials).toEqual({ login: 'clinic', password: '', sender: 'CLINIC' })
    expect(formOf(withCredential(draft, 'sender', ' '), plain)).toEqual({ channel: 'plain', name: 'P', credentials: { login: 'clinic', sender: '' } })
    expect(formOf(withCredential(draft, 'password', ' s3 \n'), plain).credentials.password).toBe('s3')
  })

  it('says what is missing beside its field, and asks for a stored secret no second time', () => {
    const fresh = newDraft(plain, [], 'en')
    expect(Object.keys(problemsOf(fresh, plain, 'en'))).toEqual(['credentials.login', 'credentials.password'])
    expect(problemsOf(draftOf(connection('P', plain, { values: { login: 'clinic' } }), plain), plain, 'en')).toEqual({})
    expect(problemsOf({ ...fresh, name: ' ' }, plain, 'en').name).toBe('Name the connection.')
    expect(problemsOf({ ...fresh, name: 'x'.repeat(81) }, plain, 'en').name).toContain('80')
    expect(problemsOf(withCredential(fresh, 'login', 'x'.repeat(4001)), plain, 'en')['credentials.login']).toContain('4000')
  })

  it('puts a refusal beside its field however the server names it, and loses no sentence', () => {
    const problems = serverProblems({ token: 'Wrong token.', 'credentials.baseUrl': 'Wrong address.', name: 'Taken.', odd: 'Odd.' }, bot)
    expect(problems).toEqual({ 'credentials.token': 'Wrong token.', 'credentials.baseUrl': 'Wrong address.', name: 'Taken.', odd: 'Odd.' })
    expect(homelessProblems(problems, bot)).toEqual(['Odd.'])
    expect(advancedHasProblem(bot, problems)).toBe(true)
    expect(advancedHasProblem(bot, { 'credentials.token': 'Wrong token.' })).toBe(false)
  })

  it('knows whether there is anything to save', () => {
    const saved = draftOf(connection('P', plain, { values: { login: 'clinic' } }), plain)
    expect(hasChanged(withCredential(saved, 'login', 'clinic '), saved)).toBe(false)
    expect(hasChanged(withCredential(saved, 'password', 'new'), saved)).toBe(true)
  })

  it('names the routes that would break without the connection', () => {
    const routes = [
      { id: '1', name: 'A', isDefault: true, stopsWhenDealMoves: true, steps: [{ kind: 'channel' as const, connectionId: 'P', proof: 'sent' as const, minutes: 1, content: {} }] },
      { id: '2', name: 'B', isDefault: false, stopsWhenDealMoves: true, steps: [{ kind: 'task' as const, minutes: 1 }] },
    ]
    expect(routesUsing('P', routes)).toEqual(['A'])
    expect(routesUsing('B', routes)).toEqual([])
    expect(world.connections).toHaveLength(4)
  })
})

describe('a phone for the test message', () => {
  it.each([
    ['+7 900 000-00-00', '+79000000000'],
    ['8 (900) 000-00-00', '+79000000000'],
    ['9000000000', '+79000000000'],
    ['+375 29 000 00 00', '+375290000000'],
  ])('%s is %s', (typed, phone) => {
    expect(parsePhone(typed, 'ru')).toEqual({ phone })
  })

  it.each(['', '12345', 'call me 9000000000', '+1234567890123456'])('%p is not one', (typed) => {
    expect(parsePhone(typed, 'ru')).toHaveProperty('problem')
  })
})
