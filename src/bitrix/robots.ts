import { type Command } from './command.ts'

/** What the robot hands to the workflow; the names are those of `returns` in manifest.json. Times are ISO 8601. */
export interface RobotReturn {
  readonly status: string
  readonly channel: string
  readonly proof: string
  readonly time: string
  readonly answer: string
}

/**
 * Lets the waiting robot go on. A second answer for the same token is accepted by the portal and ignored, so it may be repeated.
 *
 * @see https://apidocs.bitrix24.com/api-reference/bizproc/bizproc-robot/bizproc-event-send.html
 */
export const answerRobotCommand = (key: string, eventToken: string, values: RobotReturn, logMessage: string): Command => ({
  key,
  method: 'bizproc.event.send',
  params: { event_token: eventToken, return_values: { ...values }, log_message: logMessage },
})

/**
 * Fires one of our triggers on a deal. `true` says that it fired, not that a stage has moved: that is the clinic's automation.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/automation/triggers/crm-automation-trigger-execute.html
 */
export const fireTriggerCommand = (key: string, code: string, dealId: number): Command => ({
  key,
  method: 'crm.automation.trigger.execute',
  params: { CODE: code, OWNER_TYPE_ID: 2, OWNER_ID: dealId },
})
