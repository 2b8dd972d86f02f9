import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startWorld, type World } from '../../sandbox/world.ts'

let world: World
let showContent: (message: unknown) => string

beforeAll(async () => {
  world = await startWorld({ speed: 60, seed: 3 })
  // The page's parts read the choice of the language when they are loaded, as in a browser.
  Object.defineProperty(globalThis, 'localStorage', { value: { getItem: () => null }, configurable: true })
  const part = new URL('../../sandbox/page/message.js', import.meta.url).href
  showContent = (await import(part) as { showContent: typeof showContent }).showContent
})

afterAll(() => world.stop())

const hand = async (deed: string, wishes: Record<string, unknown>): Promise<{ status: number, body: any }> => {
  const answer = await fetch(`${world.origin}/sandbox/phones/79000000001/${deed}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(wishes) })
  return { status: answer.status, body: await answer.json() }
}
const shown = async (): Promise<any[]> => ((await (await fetch(`${world.origin}/api/scene`)).json()) as any).phone.messages
const words = (text: string, spans: unknown[] = []): string => showContent({ text, spans, files: [] })

describe('what the page asks of a phone', () => {
  it('sends a chosen file with its caption and shows the same bytes by an address, never in the scene', async () => {
    const bytes = Buffer.from('%PDF-1.4 synthetic')
    const sent = await hand('file', { messenger: 'telegram', name: 'анализ.pdf', mimeType: 'application/pdf', data: bytes.toString('base64'), caption: 'Вот' })
    expect(sent.body).toMatchObject({ text: 'Вот', files: [{ kind: 'file', name: 'анализ.pdf', sizeBytes: bytes.length }] })
    const [message] = await shown()
    expect(message.files[0].bytes).toBeUndefined()
    const file = await fetch(`${world.origin}${String(message.files[0].url)}`)
    expect([file.headers.get('content-type'), Buffer.from(await file.arrayBuffer()).equals(bytes)]).toEqual(['application/pdf', true])
    expect((await fetch(`${world.origin}/sandbox/files/nothing`)).status).toBe(404)
  })

  it('edits, quotes and deletes own messages, and nobody else\'s', async () => {
    const first = (await hand('reply', { messenger: 'max', text: 'Привед' })).body.id
    expect((await hand('edit', { messenger: 'max', messageId: first, text: 'Привет' })).body).toMatchObject({ text: 'Привет', earlier: [{ text: 'Привед' }] })
    expect((await hand('reply', { messenger: 'max', text: 'Это я', quote: first })).body.quote).toEqual({ id: first, text: 'Привет' })
    expect((await hand('remove', { messenger: 'max', messageId: first })).body.deletedAt).toEqual(expect.any(Number))
    expect((await hand('remove', { messenger: 'max', messageId: first })).status).toBe(400)
    expect((await hand('edit', { messenger: 'max', messageId: 'mid.unknown', text: 'x' })).status).toBe(400)
  })

  it('sends place, card, album and what has no words, hides the phone, and opens links', async () => {
    expect((await hand('location', { messenger: 'whatsapp' })).body.place).toMatchObject({ latitude: 55.7558 })
    expect((await hand('card', { messenger: 'whatsapp', name: 'Мама', phone: '+79000000077' })).body.card).toEqual({ name: 'Мама', phone: '+79000000077' })
    expect((await hand('album', { messenger: 'whatsapp', files: [{ kind: 'image' }, { kind: 'image' }] })).body).toHaveLength(2)
    expect((await hand('unsupported', { messenger: 'whatsapp' })).status).toBe(200)
    expect((await hand('hide-phone', {})).status).toBe(200)
    expect(world.patient.patient.hidesPhone).toBe(true)
    expect((await hand('link', { url: `https://t.me/${world.accounts.telegram.username}?start=abc` })).status).toBe(200)
    expect((await shown()).at(-1).text).toBe('/start abc')
    expect((await hand('link', { url: 'https://example.com/' })).status).toBe(400)
    expect((await hand('file', { messenger: 'sms', kind: 'image' })).body.error).toBe('SMS carries words only')
  })
})

describe('what the page shows of a message', () => {
  it('shows spans inside each other as looks', () => {
    expect(words('Приём завтра!', [{ kind: 'bold', from: 0, length: 12 }, { kind: 'italic', from: 6, length: 6 }]))
      .toBe('<b class="look-bold">Приём <i class="look-italic">завтра</i></b>!')
  })

  it('makes links of web addresses and lets no markup, script or foreign scheme through', () => {
    expect(words('смотри https://clinic.example/a?b=1&c=2.')).toContain('<a href="https://clinic.example/a?b=1&#38;c=2" target="_blank" rel="noopener noreferrer">')
    expect(words('<img src=x onerror=alert(1)>')).toBe('&#60;img src=x onerror=alert(1)&#62;')
    expect(words('тут', [{ kind: 'link', from: 0, length: 3, url: 'javascript:alert(1)' }])).toBe('тут')
    expect(words('тут', [{ kind: 'link', from: 0, length: 3, url: 'https://a.example/"><b>' }])).not.toContain('<b>')
    const file = { id: 'abc', kind: 'file', name: '"><script>x</script>.pdf', mimeType: 'application/pdf', sizeBytes: 2048, url: '/sandbox/files/abc' }
    expect(showContent({ text: '', spans: [], files: [file] })).not.toContain('<script>')
  })
})
