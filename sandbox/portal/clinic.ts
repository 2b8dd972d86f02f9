import { type Engine } from './engine.ts'
import { addLine } from './lines/config.ts'

/** What every new portal has: an administrator, two colleagues, a funnel of visits and one open line. The people are invented. */
export function furnish(engine: Engine): void {
  const { world } = engine
  const people: [string, string, boolean][] = [['Анна', 'Админова', true], ['Ольга', 'Регистратурова', false], ['Пётр', 'Управляев', true]]
  for (const [name, lastName, admin] of people) {
    const id = world.nextId('user')
    world.users.set(id, { id, name, lastName, email: `user${id}@clinic.example`, admin, active: true })
  }
  world.categories.push({ id: 0, name: 'Приёмы', sort: 100 })
  const stages: [string, string, 'S' | 'F' | null, string][] = [
    ['NEW', 'Записан', null, '#39A8EF'],
    ['PREPARATION', 'Напоминание', null, '#2FC6F6'],
    ['EXECUTING', 'Подтверждён', null, '#55D0E0'],
    ['WON', 'Приём состоялся', 'S', '#7BD500'],
    ['LOSE', 'Отменён', 'F', '#FF5752'],
  ]
  for (const [index, [id, name, semantics, color]] of stages.entries()) {
    world.stages.push({ id, name, semantics, color, sort: (index + 1) * 10, categoryId: 0 })
  }
  // As a portal is born: everybody answers, with CRM.
  addLine(engine, { LINE_NAME: 'Регистратура', QUEUE: [1, 2].map((id) => ({ ENTITY_TYPE: 'user', ENTITY_ID: id })) })
}
