import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { from, type LinePortal, startLines } from './open-lines-support.ts'

let lines: LinePortal
beforeEach(async () => {
  lines = await startLines()
})
afterEach(() => lines.close())

const get = (path: string): Promise<Response> => fetch(`${lines.portal.origin}${path}`)
async function control(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(`${lines.portal.origin}/sandbox${path}`, {
    method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return response.json()
}

describe('an operator over HTTP', () => {
  it('reads chats, answers with a file, edits, deletes and finishes', async () => {
    const [sent] = await lines.send(from('1', 'привет'))
    const [chat] = await control('GET', '/chats')
    expect(chat).toMatchObject({ id: Number(sent.session.CHAT_ID), connectorName: 'Чат клиники', lineName: 'Чаты клиники', waiting: true, closed: false, connected: true, externalUserId: 'p1' })
    const said = await control('POST', `/chats/${chat.id}/say`, { text: 'ответ', files: [{ name: 'a.txt', base64: Buffer.from('файл').toString('base64') }], userId: 2 })
    expect(said).toMatchObject({ kind: 'operator', author: 'Ольга Регистратурова', state: 'sending', files: [{ name: 'a.txt', type: 'file' }] })
    expect(await (await fetch(said.files[0].link)).text()).toBe('файл')
    const together = await control('POST', `/chats/${chat.id}/say`, { messages: [{ text: '1' }, { text: '2' }], userId: 2 })
    expect(together.map((one: any) => one.text)).toEqual(['1', '2'])
    expect(await control('PATCH', `/messages/${said.id}`, { text: 'исправлено', userId: 1 })).toEqual({ error: 'Only its author may edit a message.' })
    await control('PATCH', `/messages/${said.id}`, { text: 'исправлено', userId: 2 })
    await control('DELETE', `/messages/${together[1].id}?user=2`)
    await control('POST', `/chats/${chat.id}/finish`, { userId: 2 })
    const whole = await control('GET', `/chats/${chat.id}`)
    expect([whole.closed, whole.waiting, whole.operatorId]).toEqual([true, false, 2])
    expect(whole.messages.map((message: any) => [message.text, message.edited, message.deleted])).toEqual([
      ['привет', false, false], ['исправлено', true, false], ['1', false, false], ['Сообщение удалено', false, true],
    ])
    expect(await control('POST', `/chats/${chat.id}/say`, {})).toEqual({ error: 'A message needs a text or a file.' })
    expect(await control('GET', '/chats/5')).toEqual({ error: 'There is no chat 5 on the portal.' })
  })
})

describe('the messenger', () => {
  it('is a page with its parts', async () => {
    const page = await get('/online/?chat=1&user=2')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const html = await page.text()
    for (const [, path] of html.matchAll(/(?:src|href)="(\/sandbox\/assets\/[^"]+)"/g)) expect((await get(path!)).status).toBe(200)
    expect((await get('/sandbox/assets/bbcode.mjs')).headers.get('content-type')).toContain('javascript')
  })

  it('opens the widgets of the dialog in a frame, with nothing but the dialog', async () => {
    const [sent] = await lines.send(from('1', 'привет'))
    const chatId = Number(sent.session.CHAT_ID)
    const bind = (PLACEMENT: string, path: string, OPTIONS: Record<string, unknown>): Promise<unknown> =>
      lines.call('placement.bind', { PLACEMENT, HANDLER: `${new URL(lines.portal.world.apps.get(lines.clientId)!.handlerUrl).origin}${path}`, TITLE: path, OPTIONS })
    await bind('IM_SIDEBAR', '/side', { iconName: 'fa-user', context: 'USER;LINES' })
    await bind('IM_SIDEBAR', '/elsewhere', { iconName: 'fa-user', context: 'CHAT' })
    await bind('IM_TEXTAREA', '/write', { iconName: 'fa-user', context: 'LINES' })
    const [sidebar, ...others] = await (await get('/online/widgets?code=IM_SIDEBAR')).json() as any[]
    expect([sidebar.title, others]).toEqual(['/side', []])
    expect(await (await get('/online/widgets?code=IM_TEXTAREA')).json()).toHaveLength(1)
    const page = await (await get(`/online/widget?code=IM_SIDEBAR&id=${sidebar.id}&chat=${chatId}&user=2`)).text()
    const mounted = /mountFrame\(document\.getElementById\('frame-place'\), (\{.*\}), \{\}\)/.exec(page)![1]!
    const { fields, action, userId } = JSON.parse(mounted)
    expect([fields.PLACEMENT, JSON.parse(fields.PLACEMENT_OPTIONS), new URL(action).pathname, userId]).toEqual(['IM_SIDEBAR', { dialogId: `chat${chatId}`, URI: '/online/' }, '/side', 2])
    expect((await get(`/online/widget?code=IM_SIDEBAR&id=${sidebar.id}&chat=5`)).status).toBe(404)
  })

  it('shows codes as formatting and everything else as text', async () => {
    const { formatText, plainText } = await import(new URL('../../sandbox/portal/assets/bbcode.mjs', import.meta.url).href) as Record<'formatText' | 'plainText', (text: string) => string>
    expect(formatText('[b]Анна:[/b] [br]<img src=x onerror=alert(1)>')).toBe('<b>Анна:</b> <br>&#60;img src=x onerror=alert(1)&#62;')
    expect(formatText('[url=https://clinic.example/a?b=1&c=2]сайт[/url]')).toBe('<a href="https://clinic.example/a?b=1&#38;c=2" target="_blank" rel="noopener">сайт</a>')
    expect(formatText('[url=javascript:alert(1)]сайт[/url]')).toBe('[url=javascript:alert(1)]сайт[/url]')
    expect(formatText('[like] [i]да[/i] [send=1]Подтвердить[/send]')).toBe('👍 <i>да</i> <span class="action">Подтвердить</span>')
    expect(plainText('[b]Анна:[/b][br]да')).toBe('Анна: да')
  })
})
