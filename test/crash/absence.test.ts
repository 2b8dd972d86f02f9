/** Somebody is away for a while - our process, the portal, a messenger - and nothing that was said is lost or said twice. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLines, connectMessengers, installApplication, openPage } from '../../sandbox/administrator.ts'
import { startApplication, type Application } from '../../sandbox/application.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { createGate, type Gate } from '../journeys/gate.ts'

let world: World
let app: Application
let folder: string
let gate: Gate
let people = 0

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-away-'))
  world = await startWorld({ portal: { tokenLifeSeconds: 30 * 24 * 3600, limits: { burst: 0, operatingSeconds: 0 } } })
  app = await startApplication({ portal: world.portal, dataDir: path.join(folder, 'data'), env: { REQUEST_TIMEOUT_SECONDS: '2', LOG_LEVEL: 'warn' } })
  await installApplication(app, world.portal)
  gate = await createGate(world.accounts.telegram.apiRoot)
  const telegram = { ...world.accounts.telegram, apiRoot: gate.origin }
  const ids = await connectMessengers(await openPage(app, world.portal), { ...world, accounts: { ...world.accounts, telegram } })
  await connectLines(app, world.portal, ids)
}, 120_000)
afterAll(async () => {
  await app.stop()
  await gate.close()
  await world.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const until = async (what: string, check: () => boolean, boundMs = 60_000): Promise<void> => {
  const end = Date.now() + boundMs
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(30)
  }
}
const someone = (): Handset => {
  const phone = world.messengers.addPatient({ name: 'Мария Иванова', phone: `+790000077${String(++people).padStart(2, '0')}` })
  phone.start('telegram', { quietly: true })
  return phone
}
const chatWith = (text: string) => {
  for (const { id } of world.portal.lines.chats()) {
    const chat = world.portal.lines.chat(id)
    if (chat.messages.some((message) => message.kind === 'patient' && message.text === text)) return chat
  }
  return undefined
}
const count = (phone: Handset, text: string): number => phone.messages('telegram').filter((message) => message.direction === 'received' && message.text === text).length
const ticks = (chat: number): number => world.portal.lines.chat(chat).messages.filter((message) => message.kind === 'operator' && message.state === 'delivered').length

describe('our process is away', () => {
  it('F32: what operators said meanwhile is found in the history and sent, once, in its order; what patients wrote comes in', async () => {
    const phone = someone()
    phone.reply('telegram', 'до сбоя')
    await until('it is there', () => chatWith('до сбоя') !== undefined)
    const { id } = chatWith('до сбоя')!
    world.portal.lines.say(id, { text: 'ответ до сбоя' })
    await until('it is on the phone', () => count(phone, 'ответ до сбоя') === 1)
    // A message whose answer was cut off stays without a tick (F05): this is about what came afterwards.
    await until('it has its tick', () => ticks(id) === 1)
    await app.kill()
    world.portal.lines.say(id, { text: 'первый ответ без нас' })
    world.portal.lines.say(id, { text: 'второй ответ без нас', files: [{ name: 'памятка.txt', bytes: Buffer.from('памятка') }] })
    phone.reply('telegram', 'написал без вас')
    // The portal gives up at once; the messenger tries again.
    await sleep(4_000)
    await app.restart()
    await until('the answers are on the phone', () => count(phone, 'второй ответ без нас') === 1)
    await until('the patient\'s message is in the line', () => chatWith('написал без вас') !== undefined)
    await until('the file is on the phone', () => phone.files('telegram').length === 1)
    await until('both have their tick', () => ticks(id) === 3)
    const answers = phone.messages('telegram').filter((message) => message.direction === 'received' && message.text.includes('ответ')).map((message) => message.text)
    expect(answers).toEqual(['ответ до сбоя', 'первый ответ без нас', 'второй ответ без нас'])
    // Looked through again, nothing is sent twice.
    await app.kill()
    await sleep(4_000)
    await app.restart()
    world.portal.lines.say(id, { text: 'после всего' })
    await until('it is on the phone', () => count(phone, 'после всего') === 1)
    await sleep(1_000)
    expect(['ответ до сбоя', 'первый ответ без нас', 'второй ответ без нас', 'после всего'].map((text) => count(phone, text))).toEqual([1, 1, 1, 1])
  }, 120_000)
})

describe('the portal is away', () => {
  it('what patients wrote waits and comes in their order, once', async () => {
    const phone = someone()
    world.portal.misbehave({ kind: 'drop_before', probability: 1 })
    world.portal.misbehave({ kind: 'drop_before', method: 'batch', probability: 1 })
    for (const text of ['раз', 'два', 'три']) phone.reply('telegram', `портал молчит ${text}`)
    await sleep(3_000)
    expect(chatWith('портал молчит раз')).toBeUndefined()
    world.portal.behave()
    await until('all are there', () => chatWith('портал молчит три') !== undefined)
    const texts = chatWith('портал молчит три')!.messages.filter((message) => message.kind === 'patient').map((message) => message.text)
    expect(texts).toEqual(['портал молчит раз', 'портал молчит два', 'портал молчит три'])
  }, 120_000)
})

describe('a messenger is away', () => {
  it('an operator\'s answer waits, the operator is told, and it goes out once', async () => {
    const phone = someone()
    phone.reply('telegram', 'жду ответа')
    await until('it is there', () => chatWith('жду ответа') !== undefined)
    const { id } = chatWith('жду ответа')!
    await gate.close()
    world.portal.lines.say(id, { text: 'ответ подождёт' })
    await until('the operator is told', () => world.portal.lines.chat(id).messages.some((message) => message.kind === 'system' && message.text.includes('стоит в очереди')))
    await gate.open()
    await until('it is on the phone', () => count(phone, 'ответ подождёт') >= 1)
    await sleep(500)
    expect(count(phone, 'ответ подождёт')).toBe(1)
  }, 120_000)
})
