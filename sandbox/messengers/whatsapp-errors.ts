import { type Answer } from './stage.ts'

/** An error of the Graph API, ready to be answered. */
export type GraphError = Answer

/** Builds the error object that the Graph API answers. */
export function graphError(status: number, code: number, message: string, details?: string, subcode?: number): GraphError {
  return {
    status,
    code: String(code),
    body: {
      error: {
        message, type: 'OAuthException', code,
        ...(subcode === undefined ? {} : { error_subcode: subcode }),
        ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
        fbtrace_id: 'AsandboxTraceId0000000001',
      },
    },
    ...(status === 401
      ? { headers: { 'www-authenticate': 'OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token"' } }
      : {}),
  }
}

/** An object that does not exist or is not this token's to see. */
export function unknownObject(id: string, verb = 'get'): GraphError {
  return graphError(400, 100, `Unsupported ${verb} request. Object with ID '${id}' does not exist, cannot be loaded due to missing ` +
    'permissions, or does not support this operation', undefined, 33)
}

interface Failure { title: string, details: string, status: number }

// Errors that come as a "failed" status: the send itself is accepted.
const later: Record<number, Omit<Failure, 'status'>> = {
  130472: {
    title: "User's number is part of an experiment",
    details: "Failed to send message because this user's phone number is part of an experiment",
  },
  131026: { title: 'Message undeliverable', details: 'Message Undeliverable.' },
  131031: { title: 'Business account locked', details: 'Business Account locked.' },
  131042: {
    title: 'Business eligibility payment issue',
    details: 'Message failed to send because there were one or more errors related to your payment method.',
  },
  131047: {
    title: 'Re-engagement message',
    details: 'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  131048: {
    title: 'Spam rate limit hit',
    details: 'Message failed to send because there are restrictions on how many messages can be sent from this phone number.',
  },
  131049: {
    title: 'This message was not delivered to maintain healthy ecosystem engagement.',
    details: 'In order to maintain a healthy ecosystem engagement, the message failed to be delivered.',
  },
  131050: { title: 'User has stopped receiving marketing messages', details: 'The recipient chose to stop receiving marketing messages.' },
  131053: { title: 'Media upload error', details: 'Unable to upload the media used in the message.' },
  131056: {
    title: '(Business Account, Consumer Account) pair rate limit hit',
    details: 'Message failed to send because there were too many messages sent from this phone number to the same phone number ' +
      'in a short period of time.',
  },
}

const atOnce: Record<number, Failure> = {
  0: { status: 401, title: 'AuthException', details: 'We were unable to authenticate the app user.' },
  10: {
    status: 403,
    title: 'Application does not have permission for this action',
    details: 'Permission is either not granted or has been removed.',
  },
  190: { status: 401, title: 'Error validating access token: the session has expired', details: 'Your access token has expired.' },
  368: { status: 403, title: 'Temporarily blocked for policies violations', details: 'The account has been restricted or disabled.' },
  130429: { status: 429, title: 'Rate limit hit', details: 'Cloud API message throughput has been reached.' },
  130497: {
    status: 403,
    title: 'Business account is restricted from messaging users in this country',
    details: 'The account cannot message users in this country.',
  },
  131000: { status: 500, title: 'Something went wrong', details: 'Message failed to send due to an unknown error.' },
  131016: { status: 503, title: 'Service unavailable', details: 'A service is temporarily unavailable.' },
  131057: { status: 503, title: 'Account in maintenance mode', details: 'Business Account is in maintenance mode.' },
  132015: { status: 400, title: 'Template is Paused', details: 'The template is paused due to low quality.' },
  132016: { status: 400, title: 'Template is Disabled', details: 'The template was paused too many times and is now permanently disabled.' },
  133010: {
    status: 400, title: 'Phone number not registered', details: 'The phone number is not registered on the WhatsApp Business Platform.',
  },
}

/** Whether Meta accepts the send and reports this error afterwards. */
export function comesLater(code: number): boolean {
  return code in later
}

/** The `errors` of a failed status; `why` is more exact than the usual details. */
export function laterErrors(code: number, why?: string): unknown[] {
  const { title, details: usual } = later[code] ?? later[131026]!
  const details = why ?? usual
  return [{
    code, title, message: title, error_data: { details },
    href: 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/',
  }]
}

/** The answer of a send that is refused at once. */
export function refusal(code: number): GraphError {
  const { status, title, details } = atOnce[code] ?? { status: 400, title: 'Something went wrong', details: 'Message failed to send.' }
  return graphError(status, code, `(#${code}) ${title}`, details)
}
