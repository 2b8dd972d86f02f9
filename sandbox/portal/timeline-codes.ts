/**
 * System codes of icons and logos of the timeline, as the server lists them
 * (crm module, Bitrix\Crm\Service\Timeline\Layout\Common\Icon and Logo; both classes are the source of crm.timeline.icon.list and logo.list).
 */
export const iconCodes = [
  'call', 'call-incoming-missed', 'call-incoming', 'call-completed', 'call-outcoming', 'document', 'IM', 'circle-check', 'info', 'relation',
  'link', 'unlink', 'store', 'view', 'stage-change', 'sum', 'open-line-incoming-message', 'clock', 'mail-outcome', 'complete', 'check',
  'comment', 'sms', 'whatsapp', 'task', 'pipeline', 'wallet', 'attention', 'bank-card', 'conversion', 'calendar', 'circle-crossed',
  'task-ping', 'task-new-comment', 'task-viewed-comment', 'task-activity', 'ai-copilot', 'ai-process', 'restoration', 'arrow-up',
  'arrow-down', 'visit', 'camera', 'copy', 'robot', 'cycle-equal', 'bizproc', 'message-with-point', 'booking',
]

/** `call`, `arrow-down` and `info` stand in the samples of crm.timeline.logo.list and body.md. */
export const logoCodes = [
  'call', 'arrow-down', 'info', 'call-play-record', 'call-default', 'call-incoming', 'call-outgoing', 'document', 'document-print', 'document-signed',
  'document-draft', 'channel-chat', 'channel-avito', 'channel-apple', 'channel-fb', 'channel-fb-chat', 'channel-instagram-direct',
  'channel-bitrix', 'channel-ok', 'channel-telegram', 'channel-viber', 'channel-vk', 'channel-vk-order', 'channel-whatsapp-bitrix',
  'channel-edna', 'channel-whatsapp', 'mail-outcome', 'list-check', 'shop', 'notification', 'comment', 'sms', 'shop-eye', 'bank-card',
  'calendar-share', 'unread-comment', 'task-activity', 'ai-copilot', 'zoom', 'bizproc', 'bizproc-task',
]
