import { describe, expect, it } from '@jest/globals'
import type { Route } from '../../src/http/schemas.ts'
import {
  addStep,
  addTask,
  canMove,
  draftOf,
  formOf,
  freeConnections,
  hasChanged,
  longestMinutes,
  moveStep,
  newDraft,
  removeStep,
  usualStep,
  withConnection,
  withProof,
  withStep,
  type ChannelStepDraft,
  type RouteDraft,
} from '../../placements/dashboard/route/model.ts'
import { isClean, mergeProblems, problemsOf, serverProblems } from '../../placements/dashboard/route/problems.ts'
import { presetsOf } from '../../placements/dashboard/route/presets.ts'
import { connection, plain, world } from './world.ts'

const draftOver = (...ids: string[]): RouteDraft => ({
  name: 'Route',
  isDefault: false,
  stopsWhenDealMoves: true,
  steps: ids.map((id, index) =>
    id === 'task' ? { key: index + 1, kind: 'task', minutes: 120 } : { ...usualStep(index + 1, id, world, 'en'), template: { name: 'visit', language: 'en', parameters: ['{text}'] } },
  ),
})
const order = (draft: RouteDraft) => draft.steps.map((step) => (step.kind === 'task' ? 'task' : step.connectionId)).join(' ')
const stepOf = (draft: RouteDraft, index: number): ChannelStepDraft => {
  const step = draft.steps[index]
  if (step?.kind !== 'channel') throw new Error('not a channel step')
  return step
}

describe('a draft of a route', () => {
  it('comes back as the form that the server would store, unchanged', () => {
    const route: Route = {
      id: 'r',
      name: 'Reminder',
      isDefault: true,
      stopsWhenDealMoves: false,
      steps: [
        { kind: 'channel', connectionId: 'T', proof: 'read', minutes: 45, content: { template: { name: 'visit', language: 'ru', parameters: ['{name}', '{text}'] }, buttons: true } },
        { kind: 'channel', connectionId: 'P', proof: 'delivered', minutes: 60, content: { text: 'We wait for you' } },
        { kind: 'channel', connectionId: 'B', proof: 'acted', minutes: 30, content: {} },
        { kind: 'task', minutes: 60 },
      ],
    }
    const { id, ...form } = route
    expect(formOf(draftOf(route, 'ru'), world)).toEqual(form)
    expect(draftOf(route, 'ru').id).toBe(id)
    expect(hasChanged(draftOf(route, 'ru'), draftOf(route, 'en'), world)).toBe(false)
  })

  it('keeps nothing in the form that the channel of a step cannot take', () => {
    const step = { ...usualStep(1, 'P', world, 'en'), buttons: true, template: { name: 'visit', language: 'en', parameters: [] }, hasOwnText: false, text: 'left over' }
    expect(formOf(withStep(draftOver('P'), step), world).steps).toEqual([{ kind: 'channel', connectionId: 'P', proof: 'delivered', minutes: 60, content: {} }])
  })

  it('is the default when no route is, so that a robot without a route has one', () => {
    const other: Route = { id: 'x', name: 'x', isDefault: true, stopsWhenDealMoves: true, steps: [] }
    expect(newDraft([], []).isDefault).toBe(true)
    expect(newDraft([], [other]).isDefault).toBe(false)
  })

  it('knows a change of one letter and of the order', () => {
    const draft = draftOver('T', 'B', 'task')
    expect(hasChanged({ ...draft, name: 'Routes' }, draft, world)).toBe(true)
    expect(hasChanged(moveStep(draft, 0, 1), draft, world)).toBe(true)
    expect(hasChanged({ ...draft, name: ' Route ' }, draft, world)).toBe(false)
  })
})

describe('the steps of a route', () => {
  it('move to where they are dropped and leave the others in order', () => {
    expect(order(moveStep(draftOver('T', 'B', 'O', 'P', 'task'), 3, 0))).toBe('P T B O task')
    expect(order(moveStep(draftOver('T', 'B', 'O', 'P', 'task'), 0, 2))).toBe('B O T P task')
  })

  it('never move past the task, past the ends or when they are not there', () => {
    const draft = draftOver('T', 'B', 'task')
    for (const [from, to] of [[1, 2], [2, 0], [0, -1], [5, 0], [0, 0]] as const) {
      expect(canMove(draft, from, to)).toBe(false)
      expect(moveStep(draft, from, to)).toBe(draft)
    }
  })

  it('are added before the task, over the first working connection that is still free', () => {
    const broken = { ...world, connections: world.connections.map((item) => (item.id === 'P' ? connection('P', plain, { state: 'broken' }) : item)) }
    expect(order(addStep(draftOver('T', 'task'), broken, 'en'))).toBe('T B task')
    expect(addStep(draftOver('T', 'B', 'O', 'P'), world, 'en').steps).toHaveLength(4)
  })

  it('have a row identity of their own after any change', () => {
    const draft = addStep(addTask(removeStep(draftOver('T', 'B', 'O'), 2)), world, 'en')
    expect(new Set(draft.steps.map(({ key }) => key)).size).toBe(draft.steps.length)
  })

  it('end in one task at most', () => {
    expect(order(addTask(addTask(draftOver('T'))))).toBe('T task')
  })

  it('may choose from their own connection and the ones that no other step has', () => {
    const draft = draftOver('T', 'B')
    expect(freeConnections(draft, world, 1).map(({ id }) => id)).toEqual(['P', 'T', 'O'])
  })

  it('drop what a newly chosen channel cannot do and keep the rest', () => {
    const step = { ...usualStep(1, 'B', world, 'en'), minutes: 7 }
    expect(withConnection(step, 'P', world, 'en')).toMatchObject({ connectionId: 'P', proof: 'delivered', buttons: false, minutes: 7 })
    expect(withConnection(step, 'T', world, 'en')).toMatchObject({ proof: 'acted', buttons: true })
  })

  it('offer buttons when an answer is waited for', () => {
    const step = { ...usualStep(1, 'B', world, 'en'), proof: 'accepted' as const, buttons: false }
    expect(withProof(step, 'acted', world).buttons).toBe(true)
    expect(withProof(usualStep(1, 'P', world, 'en'), 'sent', world).buttons).toBe(false)
  })

  it('begin with the proof that their channel can give', () => {
    expect(usualStep(1, 'T', world, 'en').proof).toBe('delivered')
    expect(usualStep(1, 'B', world, 'en')).toMatchObject({ proof: 'acted', buttons: true })
    expect(usualStep(1, 'P', world, 'en')).toMatchObject({ proof: 'delivered', buttons: false })
  })

  it('say how long they take together, and nothing while a number is missing', () => {
    expect(longestMinutes(draftOver('T', 'B', 'task').steps)).toBe(90)
    expect(longestMinutes([{ ...usualStep(1, 'T', world, 'en'), minutes: Number.NaN }])).toBeUndefined()
  })
})

describe('what makes a route impossible', () => {
  const problemsWith = (index: number, part: Partial<ChannelStepDraft>, draft = draftOver('T', 'P', 'task')) =>
    problemsOf(withStep(draft, { ...stepOf(draft, index), ...part }), world, 'en').byStep[index] ?? []

  it('is nothing in a route of usual steps', () => {
    expect(isClean(problemsOf(draftOver('T', 'B', 'O', 'P', 'task'), world, 'en'))).toBe(true)
  })

  it('is said at the step that it concerns', () => {
    expect(problemsWith(1, { proof: 'read' })).toEqual(['This channel does not report such a proof: choose another one.'])
    expect(problemsWith(1, { buttons: true })).toHaveLength(1)
    expect(problemsWith(0, { template: { name: '', language: 'en', parameters: [] } })).toHaveLength(1)
    expect(problemsWith(0, { template: { name: 'visit', language: 'en', parameters: [' '] } })).toHaveLength(1)
    expect(problemsWith(1, { hasOwnText: true, text: 'x'.repeat(801) })[0]).toContain('800')
    expect(problemsWith(1, { hasOwnText: true, text: ' ' })).toHaveLength(1)
    expect(problemsWith(1, { connectionId: 'gone' })[0]).toContain('no longer exists')
    expect(problemsWith(1, { connectionId: 'T' })[0]).toContain('already in the route')
  })

  it.each([0, 10_081, 1.5, Number.NaN])('includes %p minutes', (minutes) => {
    expect(problemsWith(1, { minutes })).toHaveLength(1)
  })

  it('includes a connection that is off, not one that is only broken for now', () => {
    const withState = (state: 'off' | 'broken') => ({ ...world, connections: world.connections.map((item) => (item.id === 'P' ? { ...item, state } : item)) })
    expect(problemsOf(draftOver('P'), withState('off'), 'en').byStep[0]).toHaveLength(1)
    expect(isClean(problemsOf(draftOver('P'), withState('broken'), 'en'))).toBe(true)
  })

  it('includes no steps, too many steps, a task in the middle and a missing name', () => {
    expect(problemsOf({ ...draftOver(), name: ' ' }, world, 'en')).toMatchObject({ name: 'Name the route.', steps: 'Add at least one step.' })
    expect(problemsOf({ ...draftOver(...Array<string>(11).fill('P')) }, world, 'en').steps).toContain('10')
    expect(problemsOf(draftOver('task', 'P'), world, 'en').byStep[0]?.[0]).toContain('last step')
  })

  it('is shown where the server says it is, and said once when both say it', () => {
    const refused = serverProblems({ 'steps.1': 'No.', 'steps.1.content.text': 'Too long.', steps: 'Whole.', name: 'Name.', other: 'Else.' })
    expect(refused).toEqual({ name: 'Name.', steps: 'Whole. Else.', byStep: { 1: ['No.', 'Too long.'] } })
    expect(mergeProblems({ byStep: { 1: ['No.'] } }, refused).byStep).toEqual({ 1: ['No.', 'Too long.'] })
  })
})

describe('presets', () => {
  it('lead from the rich messenger over bots to the plain one and to a call', () => {
    const [all, bots, direct, ...rest] = presetsOf(world, 'en').map((preset) => order({ ...draftOver(), steps: preset.steps }))
    expect([all, bots, direct]).toEqual(['T B O P task', 'B O task', 'P task'])
    expect(rest).toEqual([])
  })

  it('are built of what the portal has: one connection per channel, working ones first, none that is off', () => {
    const connections = [connection('B1', world.channels[1]!, { state: 'broken' }), connection('B2', world.channels[1]!), connection('P', plain, { state: 'off' })]
    expect(presetsOf({ ...world, connections }, 'en').map((preset) => order({ ...draftOver(), steps: preset.steps }))).toEqual(['B2 task'])
    expect(presetsOf({ ...world, connections: [] }, 'en')).toEqual([])
    // What is grey or for talk alone is proposed by nobody.
    for (const part of [{ isGrey: true }, { isManualOnly: true }]) expect(presetsOf({ ...world, channels: world.channels.map((one) => ({ ...one, ...part })) }, 'en')).toEqual([])
  })

  it('are possible routes once the template is named', () => {
    for (const preset of presetsOf(world, 'en')) {
      const steps = preset.steps.map((step) => (step.kind === 'channel' ? { ...step, template: { ...step.template, name: 'visit' } } : step))
      expect(isClean(problemsOf({ ...newDraft(steps, []), name: preset.name }, world, 'en'))).toBe(true)
    }
  })
})
