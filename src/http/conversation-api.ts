import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type PortalId } from '../domain/ids.ts'
import { type Deps } from '../flows/deps.ts'
import { makeApiKey, readConversations, removeApiKey, saveConversations } from '../flows/save-conversations.ts'
import { readForm } from './errors.ts'
import { ApiKey, ApiKeyForm, ConversationSettings, ConversationSettingsForm } from './patient-schemas.ts'
import { type Session } from './portal-session.ts'

type Id = { Params: { id: string } }

/** How conversations of the portal are set up, and the keys of the HTTP API. Administrators only. */
export const registerConversationApi = (scope: FastifyInstance, { deps, admin }: { deps: Deps; admin: (request: FastifyRequest) => Session }): void => {
  const show = async (portalId: PortalId): Promise<ConversationSettings> => {
    const { portal, dealFields, apiKeys, warnings } = await readConversations(deps, portalId)
    const { at = '', doctor = '', place = '', preparation = '', booking = false } = portal.appointmentFields
    return ConversationSettings.parse({
      oneChatPerPatient: portal.oneChatPerPatient,
      appointment: { at, doctor, place, preparation, booking },
      dealFields,
      apiKeys: apiKeys.map(({ id, name, createdAt, lastUsedAt }) => ({ id, name, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() })),
      warnings,
    })
  }

  scope.get('/conversations', async (request) => show(admin(request).portalId))
  scope.put('/conversations', async (request) => {
    const { portalId } = admin(request)
    await saveConversations(deps, portalId, readForm(ConversationSettingsForm, request.body))
    return show(portalId)
  })
  scope.post('/api-keys', async (request) => {
    const { portalId } = admin(request)
    return ApiKey.parse(await makeApiKey(deps, portalId, readForm(ApiKeyForm, request.body).name))
  })
  scope.delete<Id>('/api-keys/:id', async (request) => {
    await removeApiKey(deps, admin(request).portalId, request.params.id)
    return {}
  })
}
