/**
 * Corrections of methods.json, one by one and each with its page (paths inside bitrix24/b24restdocs at the commit that methods.json names).
 * A table of the documentation that the extraction could not read is repaired here; nothing is loosened for all methods at once.
 */
export interface MethodRule {
  /** Alternatives: one of them must be granted. Empty: no scope of its own. */
  scopes: string[]
  admin?: boolean
  app?: boolean
  /** Any parameter is welcome (the method echoes or stores what it gets). */
  free?: boolean
  /** Name -> type, with a star when required. */
  params: Record<string, string>
  source: string
}

/** Methods whose page has no readable table. */
export const added: Record<string, MethodRule> = {
  'batch': { scopes: ['basic'], params: { cmd: 'array*', halt: 'boolean' }, source: 'settings/how-to-call-rest-api/batch.md' },
  'profile': { scopes: ['basic'], params: {}, source: 'api-reference/common/users/profile.md' },
  'scope': { scopes: ['basic'], params: { full: 'boolean' }, source: 'api-reference/common/system/scope.md' },
  'methods': { scopes: ['basic'], params: { full: 'boolean', scope: 'string' }, source: 'api-reference/common/system/methods.md' },
  'events': { scopes: [], app: true, params: { SCOPE: 'string', FULL: 'boolean' }, source: 'api-reference/events/events.md' },
  // "Call the event.test method with arbitrary data": it arrives as data.QUERY.
  'event.test': { scopes: [], app: true, free: true, params: {}, source: 'api-reference/events/test-handler.md' },
  'app.option.set': {
    scopes: ['basic'], app: true, admin: true, params: { options: 'object*' }, source: 'api-reference/common/settings/app-option-set.md',
  },
  'crm.item.fields': {
    scopes: ['crm'], params: { entityTypeId: 'integer*', useOriginalUfNames: 'boolean' }, source: 'api-reference/crm/universal/crm-item-fields.md',
  },
  'crm.automation.trigger.delete': {
    scopes: ['crm'], app: true, admin: true, params: { CODE: 'string*' }, source: 'api-reference/crm/automation/triggers/crm-automation-trigger-delete.md',
  },
  // "The flag is set by the imconnector.set.error method": api-reference/widgets/setting-connector.md
  'imconnector.set.error': {
    scopes: ['imopenlines'], app: true, params: { CONNECTOR: 'string*', LINE: 'integer*' }, source: 'api-reference/widgets/setting-connector.md',
  },
}

/** Parameters that a table lost or whose type it misnames: added to (or put over) the extracted ones. */
export const params: Record<string, Record<string, string>> = {
  // The id row uses another mark for "required" than the rest of the table. api-reference/crm/universal/crm-item-update.md
  'crm.item.update': { id: 'integer*' },
  // api-reference/crm/timeline/activities/activity-base/crm-activity-get.md
  'crm.activity.get': { id: 'integer*' },
  // "NAME string | object": localised strings. api-reference/bizproc/bizproc-robot/bizproc-robot-add.md, bizproc-activity-add.md
  'bizproc.robot.add': { NAME: 'text*', DESCRIPTION: 'text' },
  'bizproc.activity.add': { NAME: 'text*', DESCRIPTION: 'text' },
  // The same for senders. api-reference/messageservice/messageservice-sender-add.md
  'messageservice.sender.add': { NAME: 'text*', DESCRIPTION: 'text' },
  'messageservice.sender.update': { NAME: 'text', DESCRIPTION: 'text' },
  // FILTER is a map. api-reference/user/user-get.md
  'user.get': { FILTER: 'object' },
  // api-reference/widgets/placement-unbind.md
  'placement.unbind': { PLACEMENT: 'string*' },
  // "An associative array of activity fields". api-reference/crm/timeline/activities/configurable/crm-activity-configurable-add.md
  'crm.activity.configurable.add': { fields: 'object*', layout: 'object*' },
  'crm.activity.configurable.update': { fields: 'object*', layout: 'object*' },
  'crm.activity.update': { fields: 'object*' },
  'app.option.get': { option: 'string' },
  // Checked by the method, in the words of the page. api-reference/imopenlines/imconnector/imconnector-send-messages.md
  'imconnector.send.messages': { MESSAGES: 'list*' },
  'imconnector.update.messages': { MESSAGES: 'list*' },
  'imconnector.delete.messages': { MESSAGES: 'list*' },
  // Required if ATTACH is not given. api-reference/chats/messages/im-message-add.md
  'im.message.add': { MESSAGE: 'string' },
  // The method has errors of its own for a missing or wrong id. api-reference/imopenlines/openlines/imopenlines-config-get.md
  'imopenlines.config.get': { CONFIG_ID: 'any' },
  'imopenlines.config.update': { CONFIG_ID: 'any' },
  'imopenlines.config.delete': { CONFIG_ID: 'any' },
}

/** Rows that are no parameters: the header of the table was read as one ("Field"). api-reference/crm/timeline/activities/configurable/badges/ */
export const notParams: Record<string, string[]> = {
  'crm.activity.badge.add': ['Field'],
  'crm.activity.badge.get': ['Field'],
  'crm.activity.badge.delete': ['Field'],
}

/** Scopes that the extraction took from the REST 3.0 page of the same name. api-reference/tasks/tasks-task-add.md says `task`. */
export const scopes: Record<string, string[]> = {
  'tasks.task.add': ['task'],
  'tasks.task.get': ['task'],
  'tasks.task.update': ['task'],
  'tasks.task.delete': ['task'],
}

/**
 * Methods that work with an application token only although their table does not say so.
 * api-reference/events/event-bind.md ("works only within the context of application authorization"), event-get.md, event-unbind.md;
 * api-reference/crm/timeline/activities/configurable/crm-activity-configurable-add.md ("only within the context of an application");
 * api-reference/imopenlines/imconnector/imconnector-chat-name-set.md ("only in the context of the application").
 */
export const applicationOnly: string[] = [
  'event.bind', 'event.get', 'event.unbind',
  'crm.activity.configurable.add', 'crm.activity.configurable.update', 'crm.activity.configurable.get', 'imconnector.chat.name.set',
]

/** The text "Application context required" on these pages is about some activity providers, not about the call. */
export const notApplicationOnly: string[] = ['crm.activity.get', 'crm.activity.delete', 'crm.activity.update']
