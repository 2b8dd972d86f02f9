import type { MiniAppView } from '../../src/http/schemas.ts'
import type { Answer } from './model.ts'

/** A refusal in the server's own words; `sentence` is empty when nobody answered. */
export class Failure extends Error {
  readonly sentence: string
  constructor(sentence: string) {
    super(sentence)
    this.sentence = sentence
  }
}

const post = async (what: 'visit' | 'answer', body: unknown): Promise<MiniAppView> => {
  let answer: Response
  try {
    answer = await fetch(`${location.pathname.replace(/\/+$/, '')}/${what}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  } catch {
    throw new Failure('')
  }
  const read = (await answer.json().catch(() => ({}))) as { message?: unknown }
  if (!answer.ok) throw new Failure(typeof read.message === 'string' ? read.message : '')
  return read as MiniAppView
}

export const readVisit = (launchData: string): Promise<MiniAppView> => post('visit', { launchData })
export const sendAnswer = (launchData: string, answer: Answer, at: string): Promise<MiniAppView> => post('answer', { launchData, answer, at })
