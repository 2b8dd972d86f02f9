/** What every component of a page may use: the portal's frame, the server, the language. */
import type { B24Frame } from '@bitrix24/b24jssdk'
import { inject, type InjectionKey } from 'vue'
import { sentenceOf, type Api } from './api.ts'
import type { Boot, Language } from './boot.ts'

export interface Page {
  readonly frame: B24Frame
  readonly api: Api
  readonly boot: Boot
  readonly language: Language
  /** Scrolls the portal's window to the frame's top: a new view begins at its beginning. */
  readonly toTop: () => void
  /** Opens the page anew, with a fresh session. */
  readonly reload: () => void
}

export const pageKey: InjectionKey<Page> = Symbol('page')

/** @throws Error outside a component that `mount` mounted */
export const usePage = (): Page & { readonly say: (error: unknown) => string } => {
  const page = inject(pageKey)
  if (page === undefined) throw new Error('The component is not inside a page')
  return { ...page, say: (error) => sentenceOf(error, page.language) }
}
