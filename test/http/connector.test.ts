import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectMessengers, credentialsOf, type ConnectionIds } from '../../sandbox/administrator.ts'
import { deriveKey } from '../../src/db/secrets.ts'
import { portalId } from '../../src/domain/ids.ts'
import { ConnectorView } from '../../src/http/patient-schemas.ts'
import { createSessions } from '../../src/http/portal-session.ts'
import { pageOf, pageWith, type Page } from './page-support.ts'
import { query, refillBudget, startInstalledStage } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let ids: ConnectionIds
let line: number
beforeAll(async () => {
  stage = await startInstalledStage()
  ids = await connectMessengers(stage.administrator, stage.world)
})
beforeEach(async () => {
  await refillBudget(stage.app)
  line = stage.world.portal.lines.add({ LINE_NAME: 'Чаты клиники' })
})
afterAll(async () => {
  await stage.stop()
})

const sentence = expect.stringMatching(/^[А-ЯЁA-Z«].*[а-яё].*[.]$/)
const open = async (connector: string, lineId = line, userId = 1): Promise<Page> => pageOf(stage.app, await stage.world.portal.lines.openSettings(connector, lineId, { userId }))
const viewOf = ({ status, body }: { status: number; body: unknown }): ConnectorView => {
  expect([status, body]).toEqual([200, expect.anything()])
  return ConnectorView.parse(body)
}
const configOf = (id: number): Record<string, unknown> => stage.world.portal.lines.list().find((one) => one.ID === String(id))!

describe('the settings page of a connector', () => {
  it('shows a fresh line with what is wrong about it, and the connections of its messenger', async () => {
    const view = viewOf(await (await open('estafeta_telegram')).call('GET', '/connector'))
    expect(view).toMatchObject({
      connector: 'estafeta_telegram', channel: 'telegram', status: 'inactive', line: { id: String(line), name: 'Чаты клиники', isActive: true, createsLeads: true, asksVote: true },
      connections: [{ id: ids.telegram, state: 'working', title: expect.stringMatching(/^@/) }],
    })
    expect(view.connectionId).toBeUndefined()
    expect(view.problems).toEqual([sentence, sentence])
  })

  it('switches the connector on: no leads, no rating, and only what the portal confirms; again and again', async () => {
    const page = await open('estafeta_telegram')
    for (let time = 0; time < 2; time++) {
      const view = viewOf(await page.call('POST', '/connector/activate', { connectionId: ids.telegram }))
      expect(view).toMatchObject({ status: 'active', connectionId: ids.telegram, problems: [], line: { createsLeads: false, asksVote: false } })
    }
    expect(configOf(line)).toMatchObject({ CRM: 'Y', CRM_CREATE: 'none', VOTE_MESSAGE: 'N' })
    expect(await query(stage.app, `select connector, line_id, connection_id, is_active from lines where line_id = '${line}'`)).toEqual([{ connector: 'estafeta_telegram', line_id: String(line), connection_id: ids.telegram, is_active: true }])
  })

  it('switches it off, and on again by one press', async () => {
    const page = await open('estafeta_max')
    viewOf(await page.call('POST', '/connector/activate', { connectionId: ids.max }))
    for (let time = 0; time < 2; time++) expect(viewOf(await page.call('POST', '/connector/deactivate'))).toMatchObject({ status: 'inactive', connectionId: ids.max })
    expect(viewOf(await page.call('POST', '/connector/activate', { connectionId: ids.max })).status).toBe('active')
  })

  it('F18: a connection speaks on one line only: the earlier one is switched off at the portal too', async () => {
    const earlier = line
    const first = await open('estafeta_max')
    viewOf(await first.call('POST', '/connector/activate', { connectionId: ids.max }))
    line = stage.world.portal.lines.add({ LINE_NAME: 'Другая' })
    const second = await open('estafeta_max')
    expect(viewOf(await second.call('GET', '/connector')).connections).toEqual([expect.objectContaining({ id: ids.max, lineName: 'Чаты клиники' })])
    viewOf(await second.call('POST', '/connector/activate', { connectionId: ids.max }))
    expect(viewOf(await first.call('GET', '/connector'))).toMatchObject({ status: 'inactive', line: { id: String(earlier) }, connections: [{ lineName: 'Другая' }] })
  })

  it('F20: another connector of ours on the same line is told', async () => {
    viewOf(await (await open('estafeta_telegram')).call('POST', '/connector/activate', { connectionId: ids.telegram }))
    expect(viewOf(await (await open('estafeta_max')).call('POST', '/connector/activate', { connectionId: ids.max })).problems).toEqual([expect.stringContaining('Telegram')])
  })

  it('tells what a person changed at the portal, and repairs it by switching on again', async () => {
    const page = await open('estafeta_whatsapp')
    viewOf(await page.call('POST', '/connector/activate', { connectionId: ids.whatsapp }))
    stage.world.portal.lines.update(line, { CRM_CREATE: 'lead', VOTE_MESSAGE: 'Y', ACTIVE: 'N' })
    expect(viewOf(await page.call('GET', '/connector')).problems).toEqual([sentence, sentence, sentence])
    stage.world.portal.lines.update(line, { ACTIVE: 'Y' })
    expect(viewOf(await page.call('POST', '/connector/activate', { connectionId: ids.whatsapp })).problems).toEqual([])
  })

  it('of one chat per patient has no connection, and says when the setting is off', async () => {
    const page = await open('estafeta_patient')
    expect((await page.call('POST', '/connector/activate', { connectionId: ids.max })).body).toMatchObject({ code: 'FORM_INVALID', fields: { connectionId: sentence } })
    const view = viewOf(await page.call('POST', '/connector/activate', {}))
    expect(view).toMatchObject({ connector: 'estafeta_patient', status: 'active', connections: [] })
    expect([view.channel, view.problems]).toEqual([undefined, [sentence]])
  })

  it('takes no connection of another messenger, none that does not exist, and none at all', async () => {
    const page = await open('estafeta_telegram')
    for (const form of [{ connectionId: ids.max }, { connectionId: 'nobody' }, {}, { connectionId: ids.telegram, line: '1' }]) {
      expect(await page.call('POST', '/connector/activate', form)).toMatchObject({ status: 422, body: { code: 'FORM_INVALID', message: sentence } })
    }
    expect(viewOf(await page.call('GET', '/connector')).status).toBe('inactive')
  })

  it('of a line that is gone is not found', async () => {
    const page = await open('estafeta_telegram')
    stage.world.portal.lines.remove(line)
    expect(await page.call('GET', '/connector')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', message: sentence } })
  })

  it('opens for administrators only, for connectors of ours only, and nothing else opens its API', async () => {
    await expect(open('estafeta_telegram', line, 2)).rejects.toThrow(/администратор/)
    const foreign = await stage.world.portal.openApp(stage.app.clientId, { placement: 'SETTING_CONNECTOR', options: { CONNECTOR: 'their_chat', LINE: '1' }, handler: `${stage.app.origin}/placements/connector-settings` })
    expect(foreign.status).toBe(404)
    const noLine = await stage.world.portal.openApp(stage.app.clientId, { placement: 'SETTING_CONNECTOR', options: { CONNECTOR: 'estafeta_max', LINE: '0' }, handler: `${stage.app.origin}/placements/connector-settings` })
    expect(noLine.status).toBe(404)
    expect(await stage.administrator.call('GET', '/connector')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    const sessions = createSessions(deriveKey(stage.app.deps.config.secret, 'sessions'), Date.now)
    const staff = sessions.issue({ portalId: portalId(stage.world.portal.memberId), userId: '2', isAdmin: false, subject: { door: 'connector', connector: 'estafeta_max', lineId: String(line) } })
    expect(await pageWith(stage.app, staff).call('POST', '/connector/activate')).toEqual({ status: 403, body: { code: 'ADMIN_REQUIRED', message: sentence } })
  })

  it('says in English what it says in Russian', async () => {
    const sessions = createSessions(deriveKey(stage.app.deps.config.secret, 'sessions'), Date.now)
    const session = sessions.issue({ portalId: portalId(stage.world.portal.memberId), userId: '1', isAdmin: true, language: 'en', subject: { door: 'connector', connector: 'estafeta_max', lineId: String(line) } })
    expect(viewOf(await pageWith(stage.app, session).call('GET', '/connector')).problems).toEqual([expect.stringMatching(/^The line makes a lead/), expect.stringMatching(/^The line asks/)])
  })

  it('offers accounts of its own messenger and no secret of theirs', async () => {
    const body = JSON.stringify(viewOf(await (await open('estafeta_telegram')).call('GET', '/connector')))
    for (const { credentials } of credentialsOf(stage.world)) for (const secret of [credentials.botToken, credentials.token, credentials.accessToken]) if (secret !== undefined) expect(body).not.toContain(secret)
  })
})
