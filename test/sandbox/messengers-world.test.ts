import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startWorld, type World } from '../../sandbox/world.ts'

let world: World

beforeAll(async () => {
  world = await startWorld({ speed: 60, seed: 3 })
})

afterAll(() => world.stop())

const get = async (where: string): Promise<any> => (await fetch(world.origin + where)).json()
const post = async (where: string, body: unknown): Promise<{ status: number, body: any }> => {
  const answer = await fetch(world.origin + where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: answer.status, body: await answer.json() }
}

describe('the world to play with', () => {
  it('has a deal of a visit tomorrow at ten, its contact, and a phone with four messengers', async () => {
    const scene = await get('/api/scene')
    expect(scene.deal.title).toMatch(/^Приём \d{1,2} [а-я]+, 10:00$/)
    expect(scene.contact.phones).toEqual(['+79000000001'])
    expect(scene.phone).toMatchObject({ phone: '+79000000001', apps: { whatsapp: true, telegram: true, max: true, sms: true }, messages: [] })
    expect(Object.keys(scene.accounts)).toEqual(['whatsapp', 'telegram', 'max', 'vk', 'sms'])
    expect(scene.links).toEqual({ application: null, deal: `${world.portal.origin}/crm/deal/details/${world.dealId}/` })
  })

  it('serves the page and loads nothing from outside', async () => {
    const page = await fetch(world.origin)
    expect(page.headers.get('content-type')).toContain('text/html')
    const folder = path.join(import.meta.dirname, '../../sandbox/page')
    for (const name of readdirSync(folder)) {
      const answer = await fetch(`${world.origin}/${name}`)
      expect([name, answer.status]).toEqual([name, 200])
      expect(readFileSync(path.join(folder, name), 'utf8')).not.toMatch(/(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(`]https?:/)
    }
    expect((await fetch(`${world.origin}/../package.json`)).status).toBe(404)
  })

  it('shows changes live', async () => {
    const ended = new AbortController()
    const stream = await fetch(`${world.origin}/api/live`, { signal: ended.signal })
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) {
        const { value, done } = await reader.read()
        if (done) throw new Error('The stream ended')
        seen += value
      }
    }
    await until('"deal"')
    await post('/sandbox/messengers/whatsapp', { mode: 'silent' })
    await until('"mode":"silent"')
    ended.abort()
    await post('/sandbox/messengers/whatsapp/reset', {})
  })

  it('moves the hands of the patient and the time from the page', async () => {
    expect((await post(`/sandbox/phones/${world.patient.patient.id}/start`, { messenger: 'telegram', payload: 'L_1' })).status).toBe(200)
    expect(world.patient.messages('telegram').map((one) => one.text)).toEqual(['/start L_1'])
    const before = world.clock.now()
    await post('/sandbox/clock', { advanceMs: 3_600_000, speed: 600 })
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(3_600_000)
    expect(world.clock.speed).toBe(600)
    expect(world.portal.clock.now()).toBeGreaterThanOrEqual(before + 3_600_000)
  })

  it('says what is missing when the robot is run without an application', async () => {
    expect(await post('/api/robot', { text: 'Напоминаем' })).toEqual({ status: 409, body: { error: 'Установите приложение на портал: робота пока нет.' } })
  })
})
