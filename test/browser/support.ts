/**
 * A clinic in a real browser: the outer world, the whole application, Chromium. What a person does is done by clicks and keys; what a person
 * sees is read from the pages.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect } from '@jest/globals'
import { chromium, type Browser, type FrameLocator, type Locator, type Page } from 'playwright-core'
import { connectLines, connectMessengers, installApplication, openPage, type Administrator, type ConnectionIds } from '../../sandbox/administrator.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** A locator's wait, and a whole page's. */
export const waitMs = 25_000
export const weekMs = 7 * 24 * 3_600_000

/** What pages complain of although nothing is wrong, each with the reason. */
const allowed: readonly (readonly [sign: RegExp, why: string])[] = [
  [/favicon\.ico/, 'the sandbox\'s portal has no icon on its plain pages'],
  [/net::ERR_ABORTED/, 'a page that is left ends its own requests: live updates, a picture that is no longer needed'],
]

export interface BrowserClinic {
  readonly world: World
  readonly app: TestApp
  readonly administrator: Administrator
  /** Empty where no messenger was asked for. */
  readonly ids: ConnectionIds
  /** Open lines by messenger; empty where no messenger was asked for. */
  readonly lines: Record<'whatsapp' | 'telegram' | 'max', number>
  /** A window of a browser of its own: nobody else's cookies and storage. */
  open(url: string, options?: { width?: number, height?: number, english?: boolean }): Promise<Page>
  /** No page had an error, a refused request or a broken script since the last time; `except`: what a test did on purpose. */
  expectCalmPages(except?: RegExp): void
  /** Kept where the setting SCREENSHOTS names a folder. */
  picture(page: Page, name: string, options?: { clip?: { x: number, y: number, width: number, height: number } }): Promise<void>
  stop(): Promise<void>
}

/** @throws Error with what to install when there is no browser */
const chromiumPath = (): string => {
  const wanted = process.env.CHROMIUM ?? ''
  const found = wanted === '' ? '/usr/bin/chromium' : wanted
  if (!existsSync(found)) throw new Error('no Chromium: install the package chromium or set CHROMIUM')
  return found
}

const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars'],
  })

/**
 * Starts all of it. `isConnected`: four messengers and an open line for each but SMS. `startAt` is the first moment of the simulated time,
 * which then runs as ours does.
 */
export const startBrowserClinic = async ({ isConnected = false, startAt }: { isConnected?: boolean, startAt?: number } = {}): Promise<BrowserClinic> => {
  // Before anything else: without a browser there is nothing to start.
  const browser = await launchChromium()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-browser-'))
  const clockFile = path.join(folder, 'clock.json')
  const world = await startWorld({ clockFile, startAt, portal: { limits: { burst: 0, operatingSeconds: 0 } } })
  for (const messenger of ['whatsapp', 'telegram', 'max', 'sms'] as const) world.messengers.behave(messenger, { pace: 'instant' })
  const app = await startTestApp(world, { env: { CLOCK_FILE: clockFile } })
  await installApplication(app, world.portal)
  const administrator = await openPage(app, world.portal)
  const ids = isConnected ? await connectMessengers(administrator, world) : ({} as ConnectionIds)
  const lines = isConnected ? await connectLines(app, world.portal, ids) : ({} as BrowserClinic['lines'])
  let troubles: string[] = []

  const listen = (page: Page): void => {
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(`console: ${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => troubles.push(`script: ${error.message}`))
    page.on('requestfailed', (request) => troubles.push(`request: ${request.failure()?.errorText ?? 'failed'} ${request.method()} ${request.url()}`))
    page.on('response', (response) => {
      if (response.status() >= 400) troubles.push(`answer: ${response.status()} ${response.request().method()} ${response.url()}`)
    })
  }

  return {
    world, app, administrator, ids, lines,
    async open(url, { width = 1440, height = 900, english = false } = {}) {
      const context = await browser.newContext({ viewport: { width, height }, locale: english ? 'en-GB' : 'ru-RU', timezoneId: 'Europe/Moscow', reducedMotion: 'reduce' })
      context.setDefaultTimeout(waitMs)
      const page = await context.newPage()
      listen(page)
      // The language of a page is the person's at the portal: it comes with the post that opens the frame.
      if (english) await page.route(/\/placements\/[\w-]+\?/, (route) => route.continue({ url: route.request().url().replace('LANG=ru', 'LANG=en') }))
      await page.goto(url)
      return page
    },
    expectCalmPages(except) {
      const seen = troubles
      troubles = []
      expect(seen.filter((trouble) => !allowed.some(([sign]) => sign.test(trouble)) && except?.test(trouble) !== true)).toEqual([])
    },
    async picture(page, name, options = {}) {
      const wanted = process.env.SCREENSHOTS
      if (wanted === undefined || wanted === '') return
      mkdirSync(wanted, { recursive: true })
      await page.screenshot({ path: path.join(wanted, `${name}.png`), ...options })
    },
    async stop() {
      await browser.close()
      await app.stop()
      await world.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The application's page in its frame on a page of the portal. */
export const applicationIn = (page: Page | FrameLocator): FrameLocator => page.frameLocator('iframe.app-frame')

/** The application's page beside the dialog of the operators' messenger. */
export const sidebarOf = (page: Page): FrameLocator => applicationIn(page.frameLocator('#side-frame'))

/** Waits until a person sees it. @throws Error with what is shown instead */
export const sees = async (locator: Locator): Promise<void> => {
  await locator.first().waitFor({ state: 'visible' }).catch(async (error: unknown) => {
    const shown = await Promise.all(locator.page().frames().map((frame) => frame.locator('body').innerText({ timeout: 1_000 }).catch(() => '')))
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nShown instead:\n${shown.filter((text) => text !== '').join('\n---\n')}`)
  })
}

/** Waits until it is not to be seen any more. */
export const seesNoMore = (locator: Locator): Promise<void> => locator.first().waitFor({ state: 'hidden' })

/** Waits for a condition that only the outer world knows. @throws Error that names what did not come */
export const until = async (page: Page, what: string, check: () => boolean): Promise<void> => {
  const end = Date.now() + waitMs
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await page.waitForTimeout(25)
  }
}
