import type { MiniAppView } from '../../src/http/schemas.ts'
import type { Answer } from './model.ts'
import type { Language } from './texts.ts'

/** A refusal in the server's own words; `sentence` is empty when nobody answered. */
export class Failure extends Error {
  readonly sentence: string
  constructor(sentence: string) {
    super(sentence)
    this.sentence = sentence
  }
}

/** A refusal comes in the page's language. */
const post = async (what: 'visit' | 'answer', language: Language, body: unknown): Promise<MiniAppView> => {
  let answer: Response
  try {
    answer = await fetch(`${location.pathname.replace(/\/+$/, '')}/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-language': language },
      body: JSON.stringify(body),
    })
  } catch {
    throw new Failure('')
  }
  const read = (await answer.json().catch(() => ({}))) as { message?: unknown }
  if (!answer.ok) throw new Failure(typeof read.message === 'string' ? read.message : '')
  return read as MiniAppView
}

export const readVisit = (launchData: string, language: Language): Promise<MiniAppView> => post('visit', language, { launchData })
export const sendAnswer = (launchData: string, language: Language, answer: Answer, at: string): Promise<MiniAppView> =>
  post('answer', language, { launchData, answer, at })
