import { activityMethods } from './activities.ts'
import { bizprocMethods } from './bizproc.ts'
import { bookingMethods } from './bookings.ts'
import { type Handler } from './call.ts'
import { chatMethods } from './chats.ts'
import { connectorMessageMethods } from './connector-messages.ts'
import { connectorMethods } from './connectors.ts'
import { crmItemMethods } from './crm-items.ts'
import { eventMethods } from './events.ts'
import { mergeMethods } from './merge.ts'
import { messagingMethods } from './messaging.ts'
import { openLineMethods } from './open-lines.ts'
import { placementMethods } from './placements.ts'
import { systemMethods } from './system.ts'
import { taskMethods } from './tasks.ts'
import { timelineMethods } from './timeline.ts'

/** What the sandbox plays, by documented name. A documented method that is not here answers ERROR_SANDBOX_NOT_IMPLEMENTED. */
export const handlers: Record<string, Handler> = {
  ...systemMethods,
  ...eventMethods,
  ...placementMethods,
  ...bizprocMethods,
  ...crmItemMethods,
  ...activityMethods,
  ...timelineMethods,
  ...taskMethods,
  ...messagingMethods,
  ...connectorMethods,
  ...connectorMessageMethods,
  ...openLineMethods,
  ...chatMethods,
  ...mergeMethods,
  ...bookingMethods,
}
