import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { type Deps } from '../flows/deps.ts'
import { dropAppointment, keepAppointment, portalOf } from '../flows/keep-appointment.ts'
import { readForm } from './errors.ts'

type Params = { Params: { externalId: string } }

const Id = z.union([z.string().regex(/^[1-9]\d{0,14}$/), z.number().int().positive()]).transform(String)
/** ISO 8601 with its offset: a clinic's wall clock alone does not say when. */
const Moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const Text = z.string().trim().min(1)

const AppointmentForm = z
  .strictObject({
    contactId: Id.optional(),
    dealId: Id.optional(),
    at: Moment,
    endsAt: Moment.optional(),
    doctor: Text.max(200).optional(),
    place: Text.max(500).optional(),
    service: Text.max(500).optional(),
    preparation: Text.max(4000).optional(),
  })
  .refine(({ contactId, dealId }) => contactId !== undefined || dealId !== undefined, { path: ['contactId'] })
  .refine(({ at, endsAt }) => endsAt === undefined || endsAt >= at, { path: ['endsAt'] })

/**
 * The API for medical information systems: `Authorization: Bearer <key>`, the key names the portal. Described in docs/api.md.
 */
export const registerPublicApi = (scope: FastifyInstance, deps: Deps): void => {
  const externalIdOf = (request: FastifyRequest<Params>): string => {
    const { externalId } = request.params
    if (!/^[\x21-\x7e]{1,100}$/.test(externalId)) throw new AppError('FORM_INVALID', 'Номер записи - до 100 латинских букв, цифр и знаков без пробелов.', { fields: { externalId: 'Проверьте номер записи.' } })
    return externalId
  }

  scope.put<Params>('/appointments/:externalId', async (request) => {
    const portal = await portalOf(deps, request.headers.authorization)
    const externalId = externalIdOf(request)
    // PostgreSQL takes no zero byte in a text.
    if (JSON.stringify(request.body ?? '').includes(String.raw`\u0000`)) throw new AppError('FORM_INVALID', 'Уберите невидимые знаки из полей.')
    await keepAppointment(deps, portal, externalId, readForm(AppointmentForm, request.body))
    return { externalId }
  })
  scope.delete<Params>('/appointments/:externalId', async (request) => {
    const portal = await portalOf(deps, request.headers.authorization)
    await dropAppointment(deps, portal, externalIdOf(request))
    return {}
  })
}
