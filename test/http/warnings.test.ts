import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectMessengers, type ConnectionIds } from '../../sandbox/administrator.ts'
import { startInstalledStage } from './support.ts'

describe('a connection that is watched (C7)', () => {
  let stage: Awaited<ReturnType<typeof startInstalledStage>>
  let ids: ConnectionIds
  beforeAll(async () => {
    stage = await startInstalledStage()
    ids = await connectMessengers(stage.administrator, stage.world)
  })
  afterAll(async () => {
    await stage.stop()
  })

  const check = async (id: string) => (await stage.administrator.call('POST', `/connections/${id}/check`)).body
  const card = async (id: string) => (await stage.administrator.call('GET', '/overview')).body.connections.find((connection: { id: string }) => connection.id === id)

  it('keeps on its card what the vendor warns of, until it is over', async () => {
    const [number] = stage.world.messengers.numbers()
    expect((await card(ids.whatsapp)).warnings).toEqual([])
    Object.assign(number!, { qualityRating: 'RED' })
    expect(await check(ids.whatsapp)).toMatchObject({ ok: true })
    expect(await card(ids.whatsapp)).toMatchObject({ state: 'working', warnings: [{ ru: expect.stringContaining('остановите рассылки'), en: expect.stringContaining('stop campaigns') }] })
    Object.assign(number!, { qualityRating: 'GREEN' })
    await check(ids.whatsapp)
    expect((await card(ids.whatsapp)).warnings).toEqual([])
  })

  it('does not count as working when the vendor has stopped it, and counts again when it is back', async () => {
    const [number] = stage.world.messengers.numbers()
    Object.assign(number!, { status: 'BANNED' })
    expect(await check(ids.whatsapp)).toMatchObject({ ok: false, message: expect.stringContaining('апелляцию') })
    expect(await card(ids.whatsapp)).toMatchObject({ state: 'broken', problem: expect.stringContaining('апелляцию') })
    Object.assign(number!, { status: 'CONNECTED' })
    await check(ids.whatsapp)
    expect(await card(ids.whatsapp)).toMatchObject({ state: 'working' })
  })

  it('has its webhook set again when MAX has deleted it after an absence', async () => {
    const [bot] = stage.world.messengers.maxBots()
    const before = bot!.subscriptions.map(({ url, secret, updateTypes }) => ({ url, secret, updateTypes }))
    bot!.subscriptions = []
    expect(await check(ids.max)).toMatchObject({ ok: true })
    expect(bot!.subscriptions.map(({ url, secret, updateTypes }) => ({ url, secret, updateTypes }))).toEqual(before)
  })
})
