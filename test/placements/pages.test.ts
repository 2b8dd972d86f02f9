import { describe, expect, it } from '@jest/globals'
import type { DeliverySummary, InstallResult, RobotSettings } from '../../src/http/schemas.ts'
import { firstTab, tabsOf, upsert } from '../../placements/dashboard/model.ts'
import { countsOf, daysOf, rowOf } from '../../placements/dashboard/today/model.ts'
import { firstState, showNext, visibleSteps, type State } from '../../placements/install/model.ts'
import {
  changesOf,
  chosenRoute,
  deadlineChoices,
  deadlineKind,
  draftOf,
  fieldChoices,
  insertInto,
  purposeChoices,
  routeProblem,
  textProblem,
} from '../../placements/robot-settings/model.ts'
import { guessLanguage, parseBoot } from '../../placements/shared/boot.ts'
import { possibleProofs, proofOrder, proofTitle } from '../../placements/shared/proof.ts'
import { dayTitle, duration, momentTitle } from '../../placements/shared/words.ts'
import { proofs } from '../../src/domain/receipt.ts'
import { maxSteps, maxStepMinutes } from '../../src/domain/route.ts'
import * as editor from '../../placements/dashboard/route/model.ts'
import { bot, plain, world } from './world.ts'

const delivery = (part: Partial<DeliverySummary>): DeliverySummary => ({
  id: part.at ?? 'd',
  at: '2026-11-24T10:00:00Z',
  routeName: 'Route',
  purpose: 'reminder',
  dealId: '57',
  status: 'running',
  ...part,
})

describe('the words of the pages', () => {
  it('follow the order and the limits of the domain', () => {
    expect(proofOrder).toEqual(proofs)
    expect([editor.maxSteps, editor.maxStepMinutes]).toEqual([maxSteps, maxStepMinutes])
  })

  it('name only the proofs that a channel gives, weakest first', () => {
    expect(possibleProofs({ receipts: ['acted', 'accepted'] }).map((proof) => proofTitle(proof, 'ru'))).toEqual(['принято мессенджером', 'нажал кнопку или ответил'])
  })

  it('say durations in two units', () => {
    expect([1, 60, 90, 1440, 1501, 0].map((minutes) => duration(minutes, 'ru'))).toEqual(['1 мин', '1 ч', '1 ч 30 мин', '1 сут', '1 сут 1 ч', '0 мин'])
  })
})

describe('a moment', () => {
  const now = new Date('2026-11-24T12:00:00Z')
  const zone = 'Europe/Moscow'

  it('is said by its day in the given zone, with the year only when it is another one', () => {
    const title = (at: string) => dayTitle(new Date(at), now, zone, 'ru')
    expect(['2026-11-24T00:00:00Z', '2026-11-23T21:30:00Z', '2026-11-23T20:30:00Z', '2026-11-25T10:00:00Z', '2026-12-01T10:00:00Z'].map(title)).toEqual(['Сегодня', 'Сегодня', 'Вчера', 'Завтра', '1 декабря'])
    expect(title('2025-11-12T10:00:00Z')).toContain('2025')
  })

  it('stands inside a sentence', () => {
    expect(momentTitle(new Date('2026-11-25T07:30:00Z'), now, zone, 'ru')).toBe('завтра, 10:30')
    expect(momentTitle(new Date('2026-11-12T07:30:00Z'), now, zone, 'en')).toBe('12 November, 10:30')
  })
})

describe('the boot record', () => {
  it('is refused without a session and never breaks the page', () => {
    for (const text of [undefined, null, '', '{', '[]', 'null', '{"session":""}']) expect(parseBoot(text)).toBeUndefined()
  })

  it('is filled up with what a page can live with', () => {
    expect(parseBoot('{"session":"s","language":"kk"}')).toEqual({ session: 's', language: 'en', placement: 'DEFAULT', options: undefined, isAdmin: false })
    expect(guessLanguage('ru-RU')).toBe('ru')
    expect(guessLanguage('de')).toBe('en')
  })
})

describe('the application page', () => {
  it('opens where a person is needed', () => {
    const route = { id: 'r', name: 'r', isDefault: true, stopsWhenDealMoves: true, steps: [] }
    expect(firstTab({ connections: [], routes: [] })).toBe('connections')
    expect(firstTab({ connections: [...world.connections], routes: [] })).toBe('routes')
    expect(firstTab({ connections: [...world.connections], routes: [route] })).toBe('today')
  })

  it('shows how conversations go to administrators alone', () => {
    expect(tabsOf({ user: { isAdmin: true } })).toContain('conversations')
    expect(tabsOf({ user: { isAdmin: false } })).toEqual(['connections', 'routes', 'today'])
  })

  it('replaces what was saved and appends what is new', () => {
    expect(upsert([{ id: 'a', n: 1 }], { id: 'a', n: 2 })).toEqual([{ id: 'a', n: 2 }])
    expect(upsert([{ id: 'a' }], { id: 'b' })).toEqual([{ id: 'a' }, { id: 'b' }])
  })
})

describe('today', () => {
  const now = new Date('2026-11-24T12:00:00Z')

  it('says where a notification is and what proves it', () => {
    expect(rowOf(delivery({ status: 'reached', channel: 'bot', proof: 'acted', answer: 'confirm' }), [bot], 'Europe/Moscow', 'ru')).toMatchObject({
      time: '13:00',
      about: 'Напоминание · Route',
      status: { title: 'Получено', tone: 'good' },
      how: 'bot · нажал кнопку или ответил',
      answer: 'Придёт',
    })
    expect(rowOf(delivery({ routeName: 'Reminder' }), [plain], 'Europe/Moscow', 'en')).toMatchObject({ about: 'Reminder', how: '', answer: '' })
  })

  it('groups by the days of the portal, newest first, whatever zone the browser is in', () => {
    const deliveries = [delivery({ at: '2026-11-23T20:30:00Z' }), delivery({ at: '2026-11-23T21:30:00Z' }), delivery({ at: '2026-11-24T10:00:00Z' }), delivery({ at: '2026-11-12T10:00:00Z' })]
    expect(daysOf(deliveries, [], 'Europe/Moscow', now, 'ru').map(({ title, rows }) => [title, rows.length])).toEqual([['Сегодня', 2], ['Вчера', 1], ['12 ноября', 1]])
  })

  it('counts only today, and survives a zone that the browser does not know', () => {
    const deliveries = [delivery({ status: 'reached' }), delivery({ status: 'notReached' }), delivery({ at: '2026-11-20T10:00:00Z' })]
    expect(countsOf(deliveries, 'Europe/Moscow', now, 'en').map(({ count }) => count)).toEqual([1, 0, 1, 0])
    expect(daysOf(deliveries, [], 'Nowhere/Land', now, 'en')).toHaveLength(2)
  })
})

describe('installation', () => {
  const good: InstallResult = { ok: true, steps: [{ name: 'a', ok: true, message: '' }, { name: 'b', ok: true, message: '' }] }
  const play = (result: InstallResult) => {
    let state: State = { kind: 'showing', result, shown: 0 }
    const seen: number[] = []
    while (state.kind === 'showing') {
      seen.push(visibleSteps(state).length)
      state = showNext(state)
    }
    return { seen, state }
  }

  it('begins by itself only for an administrator in a first installation', () => {
    expect([firstState(true, true), firstState(true, false), firstState(false, true)].map(({ kind }) => kind)).toEqual(['working', 'refused', 'ready'])
  })

  it('shows its steps one by one and ends', () => {
    const { seen, state } = play(good)
    expect(seen).toEqual([0, 1, 2])
    expect(state.kind).toBe('done')
    expect(visibleSteps(state)).toHaveLength(2)
  })

  it('does not call itself done while a step failed', () => {
    const failed = { name: 'c', ok: false, message: 'No.' }
    expect(play({ ok: true, steps: [...good.steps, failed] }).state.kind).toBe('failed')
    expect(play({ ok: false, steps: good.steps }).state.kind).toBe('failed')
    expect(showNext({ kind: 'working' })).toEqual({ kind: 'working' })
  })
})

describe('the robot’s settings', () => {
  const options = {
    properties: { purpose: { Name: 'Purpose', Type: 'select', Options: { reminder: 'Reminder', result: 'Result' } }, deadline: { NAME: 'Deadline', TYPE: 'datetime' } },
    current_values: { text: ['Hello'], route: 12, purpose: 'old', deadline: null },
    document_fields: { UF_DATE: { Name: 'Visit', Type: 'datetime' }, TITLE: { NAME: 'Title', TYPE: 'string' } },
  }

  it('reads values in every shape in which PHP sends them', () => {
    expect(draftOf(options)).toEqual({ text: 'Hello', route: '12', purpose: 'old', deadline: '' })
    for (const odd of [undefined, [], { current_values: [] }, 'x']) expect(draftOf(odd)).toEqual({ text: '', route: '', purpose: '', deadline: '' })
  })

  it('hands over only what changed', () => {
    const saved = draftOf(options)
    expect(changesOf(saved, { ...saved, text: 'Hi', route: '' })).toEqual({ text: 'Hi', route: '' })
    expect(changesOf(saved, saved)).toEqual({})
  })

  it('offers the registered purposes, and keeps a value of old choosable', () => {
    expect(purposeChoices(options, 'old', 'en').map(({ value }) => value)).toEqual(['reminder', 'result', 'old'])
    expect(purposeChoices({}, '', 'en').map(({ value }) => value)).toEqual(['reminder', 'service'])
  })

  it('offers the document’s fields for the text and its dates for the deadline', () => {
    expect(fieldChoices(options)).toEqual([{ value: '{=Document:TITLE}', title: 'Title' }, { value: '{=Document:UF_DATE}', title: 'Visit' }])
    expect(deadlineChoices(options)).toEqual([{ value: '{=Document:UF_DATE}', title: 'Visit' }])
    expect(deadlineKind(options)).toBe('moment')
    expect(deadlineKind({ properties: { deadline: { Type: 'int' } } })).toBe('minutes')
  })

  it('puts a field where the cursor is, over what is selected', () => {
    expect(insertInto('Hello, you!', '{x}', 7, 10)).toEqual({ text: 'Hello, {x}!', cursor: 10 })
  })

  it('says when the robot would have no route or no text', () => {
    const routes: RobotSettings['routes'] = [{ id: '1', name: 'A', isDefault: true, summary: 'A → B' }, { id: '2', name: 'B', isDefault: false, summary: 'B' }]
    expect(routeProblem({ routes: [] }, '')).toBe('noRoutes')
    expect(routeProblem({ routes }, '3')).toBe('routeGone')
    expect(routeProblem({ routes: [routes[1]!] }, '')).toBe('noDefault')
    expect([routeProblem({ routes }, ''), routeProblem({ routes }, '2')]).toEqual([undefined, undefined])
    expect([chosenRoute({ routes }, '')?.id, chosenRoute({ routes }, '2')?.id]).toEqual(['1', '2'])
    expect([textProblem(' '), textProblem('x'.repeat(4097)), textProblem('Hello')]).toEqual(['textMissing', 'textLong', undefined])
  })
})
