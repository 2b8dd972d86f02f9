import { type World } from './model.ts'

/** What every new portal has: an administrator, two colleagues and a funnel of visits. The people are invented. */
export function furnish(world: World): void {
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
}
