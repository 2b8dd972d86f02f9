import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'

/** How the clinic's site is made. */
export interface ClinicSiteOptions {
  /** The code that the clinic copied from the connection's card; without it the page has no chat yet. */
  snippet?: string
  port?: number
  language?: 'ru' | 'en'
  /** Send the Content-Security-Policy of a careful site that allows this address and nothing inline. */
  allowedByPolicy?: string
}

/** A clinic's site on 127.0.0.1: one page, written by somebody who knew nothing of the chat. */
export interface ClinicSite {
  readonly origin: string
  /** Puts the code into the page, as a person does. */
  setSnippet(snippet: string): void
  close(): Promise<void>
}

const words = {
  ru: {
    title: 'Клиника «Ромашка»', lead: 'Терапия, стоматология и анализы рядом с домом.', call: 'Записаться',
    cards: [['Терапевт', 'Приём в день обращения'], ['Стоматолог', 'Лечение и гигиена'], ['Анализы', 'Результаты за один день']],
    privacy: 'Политика обработки персональных данных', privacyText: 'Мы обрабатываем имя, телефон и текст обращения, чтобы ответить вам.',
  },
  en: {
    title: 'Camomile Clinic', lead: 'General practice, dentistry and tests near your home.', call: 'Book a visit',
    cards: [['GP', 'Seen the same day'], ['Dentist', 'Treatment and hygiene'], ['Tests', 'Results within a day']],
    privacy: 'Privacy policy', privacyText: 'We process your name, phone and message in order to answer you.',
  },
} as const

/** The rudest rules that sites have: whatever is not protected from them looks broken. */
const style = `
* { box-sizing: content-box; letter-spacing: .02em !important; }
body { margin: 0; font: 18px/1.6 Georgia, serif; color: #24313b; background: #fbfaf7; overflow-x: hidden; }
div { line-height: 1.6 !important; text-align: justify !important; }
button { background: #c9302c !important; text-transform: uppercase !important; width: 100% !important; border: 3px solid #000 !important; }
textarea, input { height: 80px !important; background: #ff0 !important; }
svg, img { width: 100% !important; }
header { background: #2f6b4f; color: #fff; padding: 56px 8vw; }
h1 { margin: 0; font-size: 40px; }
section { display: flex; flex-wrap: wrap; gap: 24px; padding: 40px 8vw; }
article { flex: 1 1 220px; background: #fff; border: 1px solid #e4dfd3; border-radius: 8px; padding: 20px 24px; }
a.call { display: inline-block; margin-top: 20px; background: #fff; color: #2f6b4f; padding: 10px 24px; border-radius: 6px; text-decoration: none; }
footer { padding: 24px 8vw 120px; }
`

const page = (language: 'ru' | 'en', snippet: string): string => {
  const { title, lead, call, cards, privacy } = words[language]
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><link rel="stylesheet" href="/style.css"></head>
<body>
<header><h1>${title}</h1><p>${lead}</p><a class="call" href="#visit">${call}</a></header>
<section>${cards.map(([name, text]) => `<article><h2>${name}</h2><p>${text}</p></article>`).join('')}</section>
<footer><a href="/policy">${privacy}</a></footer>
${snippet}
</body></html>`
}

/** Starts the site. */
export async function startClinicSite(options: ClinicSiteOptions = {}): Promise<ClinicSite> {
  const language = options.language ?? 'ru'
  let snippet = options.snippet ?? ''
  const allowed = options.allowedByPolicy
  const policy = allowed === undefined
    ? {}
    : { 'content-security-policy': `default-src 'none'; style-src 'self'; script-src ${allowed}; connect-src ${allowed}; img-src 'self' ${allowed}; media-src ${allowed}; base-uri 'none'` }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    if (pathname === '/style.css') response.writeHead(200, { 'content-type': 'text/css' }).end(style)
    else if (pathname === '/policy') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html><title>${words[language].privacy}</title><p>${words[language].privacyText}</p>`)
    else if (pathname === '/') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...policy }).end(page(language, snippet))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setSnippet: (code) => { snippet = code },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
