import { type OpenedPage } from '../../sandbox/portal/apps.ts'
import { type TestApp } from '../support/app.ts'

export interface PageAnswer {
  readonly status: number
  readonly body: any
}

/** A page that the portal opened for somebody, with the session that came in it. */
export interface Page {
  readonly session: string
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<PageAnswer>
}

/** The API as the page with this session calls it. */
export const pageWith = (app: Pick<TestApp, 'origin'>, session: string): Page => ({
  session,
  call: async (method, path, body) => {
    const answer = await fetch(`${app.origin}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${session}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    return { status: answer.status, body: await answer.json() }
  },
})

/** @throws Error with the page's own words when the page was refused */
export const pageOf = (app: Pick<TestApp, 'origin'>, opened: Pick<OpenedPage, 'status' | 'html'>): Page => {
  const boot = /<script type="application\/json" id="estafeta-boot">(.*?)<\/script>/s.exec(opened.html)
  if (opened.status !== 200 || boot === null) throw new Error(`The page was refused (${opened.status}): ${opened.html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim()}`)
  return pageWith(app, (JSON.parse(boot[1]!) as { session: string }).session)
}
