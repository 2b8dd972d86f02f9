import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import { bindAccount, chooseReply, confirmAccount, makeStartLink, unbindAccount } from '../flows/bind-account.ts'
import { type Deps } from '../flows/deps.ts'
import { type PatientPage } from '../flows/find-patient.ts'
import { mergeContacts } from '../flows/merge-contacts.ts'
import { rememberName } from '../flows/name-employees.ts'
import { readHistory } from '../flows/read-history.ts'
import { readLog } from '../flows/read-log.ts'
import { readPatient } from '../flows/read-patient.ts'
import { readTyping } from '../flows/read-typing.ts'
import { searchContacts } from '../flows/search-contacts.ts'
import { steerDelivery } from '../flows/steer-delivery.ts'
import { writeFirst } from '../flows/write-first.ts'
import { z } from 'zod'
import { readForm } from './errors.ts'
import { BindForm, ConfirmForm, ContactSearch, History, HistoryQuery, IdentityLog, MergeForm, PatientView, ReplyForm, StartLink, StartLinkForm, Typing, UnbindForm, WriteForm } from './patient-schemas.ts'
import { type Session } from './portal-session.ts'

type Id = { Params: { id: string } }

const ContactQuery = z.strictObject({ q: z.string().trim().max(100).default('') })

/** The page of one patient. Which one it is stands in the signed session and in nothing that a request says. */
export const registerPatientApi = (scope: FastifyInstance, { deps, viewer }: { deps: Deps; viewer: (request: FastifyRequest) => Session }): void => {
  const pageOf = (request: FastifyRequest): PatientPage => {
    const { portalId, userId, name, language, subject, access } = viewer(request)
    if (subject === undefined || subject.door === 'connector') throw new AppError('NOT_FOUND', 'Откройте эту страницу из карточки пациента или рядом с чатом.')
    if (name !== undefined) rememberName(portalId, userId, name)
    return { portalId, userId, name, language: language ?? 'ru', subject, access }
  }
  const show = async (page: PatientPage): Promise<PatientView> => PatientView.parse(await readPatient(deps, page))
  /** Does something for the page's patient, and shows what has become of them. */
  const change = (path: string, act: (page: PatientPage, body: unknown) => Promise<void>): void => {
    scope.post(`/patient/${path}`, async (request) => {
      const page = pageOf(request)
      await act(page, request.body)
      return show(page)
    })
  }

  scope.get('/patient', async (request) => show(pageOf(request)))
  scope.get('/patient/history', async (request) => {
    const page = pageOf(request)
    return History.parse(await readHistory(deps, page, readForm(HistoryQuery, request.query)))
  })
  scope.get('/patient/typing', async (request) => Typing.parse({ isTyping: await readTyping(deps, pageOf(request)) }))
  scope.get('/patient/log', async (request) => IdentityLog.parse({ lines: await readLog(deps, pageOf(request)) }))
  scope.get('/patient/contacts', async (request) => {
    const page = pageOf(request)
    return ContactSearch.parse({ contacts: await searchContacts(deps, page, readForm(ContactQuery, request.query).q) })
  })

  scope.post('/patient/write', async (request) => {
    const page = pageOf(request)
    await writeFirst(deps, page, readForm(WriteForm, request.body))
    return {}
  })
  change('bind', async (page, body) => {
    const { key, contactId } = readForm(BindForm, body)
    await bindAccount(deps, page, key, contactId)
  })
  change('confirm', async (page, body) => confirmAccount(deps, page, readForm(ConfirmForm, body).key))
  change('unbind', async (page, body) => unbindAccount(deps, page, readForm(UnbindForm, body).key))
  change('reply', async (page, body) => chooseReply(deps, page, readForm(ReplyForm, body).key))
  change('merge', async (page, body) => mergeContacts(deps, page, readForm(MergeForm, body).contactId))
  scope.post('/patient/start-link', async (request) => {
    const page = pageOf(request)
    const { url, expiresAt } = await makeStartLink(deps, page, readForm(StartLinkForm, request.body).connectionId)
    return StartLink.parse({ url, expiresAt: expiresAt.toISOString() })
  })
  for (const what of ['stop', 'next'] as const) {
    scope.post<Id>(`/patient/deliveries/:id/${what}`, async (request) => {
      const page = pageOf(request)
      await steerDelivery(deps, page, request.params.id, what)
      return show(page)
    })
  }
}
