import { AppError, type ErrorCode } from '../errors.ts'
import { type Button, type FileKind, type Place, type TemplateMessage } from '../domain/message.ts'
import { type Failure, type Proof } from '../domain/receipt.ts'
import { type RichText } from '../domain/rich-text.ts'
import { type Http } from './http.ts'

/** Text in the two languages of the application's pages. */
export interface Localized {
  readonly ru: string
  readonly en: string
}

/** One field of a connection's settings form, as data: the page draws it, the server checks it through `parseCredentials`. */
export interface CredentialField {
  readonly name: string
  readonly label: Localized
  readonly hint?: Localized
  /** A secret is written, never shown again. */
  readonly secret: boolean
  readonly required: boolean
  /** Shown under "advanced": base URL, proxy. */
  readonly advanced?: boolean
  /** A text of several lines: one line would lose its ends. */
  readonly multiline?: boolean
  readonly default?: string
}

export interface ChannelLimits {
  /** Characters (UTF-16 code units) of one message's text. */
  readonly textLength: number
  /** Of a text that has neither buttons nor a template, where it may be longer. Absent: `textLength`. */
  readonly freeTextLength?: number
  /** Absent: the messenger has no buttons. Lengths in characters, the payload in bytes. */
  readonly buttons?: { readonly count: number; readonly titleLength: number; readonly payloadBytes: number }
  /** Absent: the messenger takes no files. `withoutCaption`: kinds beside which no text goes, so that it is a message of its own. */
  readonly files?: { readonly maxBytes: number; readonly captionLength: number; readonly withoutCaption?: readonly FileKind[] }
  /** Sends per second of one connection. */
  readonly perSecond: number
}

/** A webhook request exactly as it came: signatures cover the raw bytes. Header names are lower-case. */
export interface RawRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/**
 * The messenger's conversation and the person in it. `id` is what `OutboundMessage.to` takes to answer there: Telegram's private
 * chat id, MAX's user id (every update names the user, not every one names the dialogue), WhatsApp's BSUID or digits, SMS digits.
 * `phone` only where the messenger itself vouches for it, as `+` and digits.
 */
export interface ChannelChat {
  readonly id: string
  readonly userId: string
  readonly name?: string
  readonly username?: string
  readonly phone?: string
}

/** A contact card that the patient sent. `isOwn` is true only when the messenger proves that it is the sender's own (D4). */
export interface SharedContact {
  readonly phone: string
  readonly isOwn: boolean
  /** As written on the card. */
  readonly name?: string
}

/** A file that a patient sent. `ref` is what `Channel.download` takes; it may hold no secret and stays good for as long as the vendor keeps the file. */
export interface InboundFile {
  readonly kind: FileKind
  readonly ref: string
  readonly name?: string
  readonly mimeType?: string
  readonly sizeBytes?: number
}

/** A file for a patient, in memory: vendors take uploads, and an address of the portal is not for them. */
export interface OutboundFile {
  readonly kind: FileKind
  readonly name: string
  readonly mimeType: string
  readonly bytes: Uint8Array
  /** The same bytes at an address of ours that needs no key and no redirect and ends in a day or two: for vendors that take nothing but addresses. */
  readonly link?: string
}

/**
 * What one webhook tells, in our words. Times are epoch milliseconds by the vendor's clock; order is decided by rank, never by them.
 *
 * `attemptRef` is our own attempt id where the vendor echoes it: it resolves a receipt whose external id we never learned.
 */
export type Inbound =
  | {
      readonly type: 'receipt'
      readonly externalId?: string
      readonly attemptRef?: string
      readonly level: Exclude<Proof, 'accepted' | 'acted'>
      /**
       * Where the vendor tells one mark for a whole chat: the receipt speaks of every message of ours whose external id, as a text, lies
       * between this and `externalId`. Such ids begin with their chat and end with a number of fixed width.
       */
      readonly coversFrom?: string
      readonly at?: number
    }
  | { readonly type: 'failure'; readonly externalId?: string; readonly attemptRef?: string; readonly failure: Failure; readonly at?: number }
  | {
      readonly type: 'message'
      readonly externalId: string
      readonly chat: ChannelChat
      /** Empty when only a file, a place or a card came. A press of the messenger's Start button is `/start`, its payload apart. */
      readonly text: string
      /** External id of the message that the patient quoted, ours or their own; `quotedText` where the vendor repeats it. */
      readonly replyTo?: string
      readonly quotedText?: string
      /** In the order of the message; the text is then their caption. */
      readonly files?: readonly InboundFile[]
      readonly place?: Place
      readonly contact?: SharedContact
      /** The patient passed on somebody else's message. */
      readonly isForwarded?: boolean
      /** The token of a personal start link, without `/start`. Starting a bot without one is the text `/start`. */
      readonly startPayload?: string
      readonly at?: number
    }
  | {
      readonly type: 'action'
      /** The press itself; a double tap comes with two ids, a repeated webhook with one. */
      readonly externalId: string
      readonly chat: ChannelChat
      /** External id of our message under which the button stood; absent when the vendor does not say. */
      readonly messageId?: string
      readonly payload: string
      readonly at?: number
    }
  /** The patient changed a message; `text` is the new one, whole. */
  | { readonly type: 'edit'; readonly externalId: string; readonly chat: ChannelChat; readonly text: string; readonly at?: number }
  | { readonly type: 'delete'; readonly externalId: string; readonly chat: ChannelChat; readonly at?: number }
  /** Staff wrote to the patient past us, in the messenger's own application: a part of the history, never a patient's message (F21). */
  | { readonly type: 'echo'; readonly externalId: string; readonly chat: ChannelChat; readonly text: string; readonly files?: readonly InboundFile[]; readonly at?: number }
  /** What we sent through the vendor comes back: it heals a send whose answer was lost, where vendors have no key of idempotency. */
  | { readonly type: 'own'; readonly externalId: string; readonly chat: ChannelChat; readonly text: string; readonly at?: number }
  /** Somebody types; said again every few seconds, never taken back. */
  | { readonly type: 'typing'; readonly chat: ChannelChat; readonly at?: number }
  | { readonly type: 'reachability'; readonly chat: ChannelChat; readonly state: 'active' | 'blocked'; readonly at?: number }
  /** The connection itself changed: number banned, webhook lost, template paused. `code` is the vendor's. */
  | { readonly type: 'connection'; readonly state: 'working' | 'broken'; readonly code: string; readonly at?: number }
  /** A part of the update that nobody can read, beside others that can: they count, and the whole is kept with the reason. */
  | { readonly type: 'unreadable'; readonly reason: string }

/** What one message says, without who, when and in answer to what. */
export type Said = Pick<Extract<Inbound, { type: 'message' }>, 'text' | 'files' | 'place' | 'contact' | 'isForwarded'>

export interface OutboundMessage {
  /** Our attempt id: echoed by vendors that echo, the idempotency key of vendors that have one. At most 100 characters. */
  readonly ref: string
  /** The same identity as a number from 1 to 2^31-1, for vendors whose ids are integers. */
  readonly number: number
  /** `+` and digits for channels addressed by phone, else the address or the messenger's chat id. */
  readonly to: string
  readonly text: string
  /** The same text with its formatting; a channel without markup sends `text`. */
  readonly rich?: RichText
  /** One file; `text`, which may then be empty, is its caption. */
  readonly file?: OutboundFile
  /** External id of the message that this one answers. */
  readonly replyTo?: string
  /** Sent instead of `text` where the messenger allows nothing else. */
  readonly template?: TemplateMessage
  readonly buttons?: readonly Button[]
  /** Show the messenger's own "share my number" button (Telegram and MAX). */
  readonly requestsContact?: boolean
  /** The message is of no use after this many seconds: the vendor is told, where it can be. */
  readonly expiresInSeconds?: number
}

export interface ChannelContext<Credentials> {
  readonly credentials: Credentials
  readonly http: Http
  readonly signal: AbortSignal
  /** The connection's session, where this process holds it. */
  readonly session?: Session
}

/** What a vendor wants to last longer than a call: a bind, a mailbox that is watched. One for each connection, in all processes together. */
export interface Session {
  /** Resolves when it is over, whoever ended it. It is then opened again, here or by another process. */
  readonly ended: Promise<void>
  /** Where messages leave through the session and nowhere else. @throws ChannelError as `Channel.send` */
  send?(message: OutboundMessage, signal: AbortSignal): Promise<Sent>
  /** Takes leave of the vendor and resolves `ended`; never throws. */
  close(): Promise<void>
}

export interface SessionContext<Credentials> extends ChannelContext<Credentials> {
  /**
   * Takes an arrival in, as a webhook is. It is stored when this resolves, and only then the vendor may hear that it was taken. What it
   * emits twice, byte for byte, counts once.
   */
  emit(request: RawRequest): Promise<void>
  /** Where the next session goes on: kept with the connection, whoever holds that one. */
  readonly cursor: { load(): Promise<string | undefined>; save(value: string): Promise<void> }
}

export interface Sent {
  /** The vendor's id of the message, as its receipts will name it. */
  readonly externalId: string
  /** Price parts (SMS segments); 1 where the vendor has none. */
  readonly parts: number
  /** What went out in place of the text, where that may not be said (`Channel.isPublic`): the operator is told. */
  readonly instead?: string
}

/** A message of ours that is already with the patient. */
export interface SentMessage {
  readonly externalId: string
  readonly to: string
}

/** What a live check found: shown to the administrator. `title` is the bot's name or the number. */
export interface ConnectionFacts {
  readonly title: string
  readonly details: readonly { readonly label: Localized; readonly value: string }[]
  /** What may stop it soon, each a sentence that says what to do; the connection works for now. */
  readonly warnings?: readonly Localized[]
  /** The vendor has lost the address of our webhook, or forgot it after an absence: `connect` sets it again. */
  readonly isHookLost?: boolean
  /** The cursor of a new connection's first session: what arrives after it was made is not missed, however late the session opens. */
  readonly sessionStart?: string
}

/** What the clinic says of itself to patients. */
export interface ClinicFacts {
  readonly name?: string
  readonly address?: string
  /** A web address of a map. */
  readonly mapUrl?: string
  readonly phone?: string
}

/** A page of the clinic that the messenger opens for a patient and tells who they are. */
export interface MiniApp<Credentials> {
  /** Who opened it, and when (epoch ms); undefined unless the messenger itself signed these very data for this connection. */
  readLaunch(launchData: string, credentials: Credentials): { readonly userId: string; readonly at: number } | undefined
  clinicOf(credentials: Credentials): ClinicFacts
}

/**
 * A messenger. One folder implements it, one line of the registry names it; everything else - settings page, webhook path,
 * route checks, cascade - follows from this object. Capabilities are data: nothing outside asks which channel it is.
 *
 * `send` either returns what the vendor accepted or throws a `ChannelError` that says whether the message may be out.
 */
export interface Channel<Credentials = unknown> {
  readonly id: string
  readonly title: Localized
  /** What staff and patients call it, where the title names the vendor too: several vendors are one "SMS". */
  readonly family?: Localized
  /** What this messenger can ever report, `accepted` included; `acted` where buttons or replies prove something. */
  readonly receipts: readonly Proof[]
  readonly limits: ChannelLimits
  readonly canStart: 'anyone' | 'template' | 'afterPatientWrote'
  /** By what a patient is addressed: a phone or an e-mail address of the CRM card, or an identity that was bound to it. */
  readonly addressedBy: 'phone' | 'email' | 'identity'
  /** The messenger has a button by which a person shares their own number, proved (`requestsContact` of a message). */
  readonly canRequestContact?: boolean
  /** The messenger is driven past its official API: a ban threatens, so it is for one-to-one talk unless the clinic decides otherwise. */
  readonly isGrey?: boolean
  /** People talk here and nothing else: no route may have it as a step. */
  readonly isManualOnly?: boolean
  /** A repeated send with the same `ref`/`number` - after `lookUp` where there is one - cannot reach the patient twice. */
  readonly isIdempotent: boolean
  readonly fields: readonly CredentialField[]
  /** What has to be done before the form can be filled in, where the vendor makes one wait; shown above it, step by step. */
  readonly guide?: readonly Localized[]
  /**
   * What lasts longer than a call. One process opens it and emits what arrives; `parse` reads that later, as it reads webhooks. With
   * `carriesSends` only that process sends, through `ChannelContext.session`; while nobody holds it, messages wait.
   */
  readonly session?: { readonly carriesSends: boolean; open(context: SessionContext<Credentials>): Promise<Session> }

  /** @throws AppError FORM_INVALID with a sentence per field */
  parseCredentials(input: unknown): Credentials
  /**
   * Asks the vendor who we are and makes it send webhooks to `hookUrl`; safe to repeat.
   * @throws ChannelError whose message tells the administrator what to do
   */
  connect(context: ChannelContext<Credentials> & { readonly hookUrl: string }): Promise<ConnectionFacts>
  /** Stops the vendor's webhooks to `hookUrl`; a vendor that no longer knows us is success. */
  disconnect(context: ChannelContext<Credentials> & { readonly hookUrl: string }): Promise<void>
  /** The same question as `connect`, changing nothing. With `hookUrl` the vendor's webhook is looked at too. */
  check(context: ChannelContext<Credentials> & { readonly hookUrl?: string }): Promise<ConnectionFacts>
  /** The answer to a vendor's question whether we own the URL; undefined when the request is none, or its proof fails. */
  handshake?(request: RawRequest, credentials: Credentials): string | undefined
  /** What the vendor wants to read in our answer to a genuine webhook; anything else it repeats. Absent: nothing. */
  readonly acknowledgement?: string
  /**
   * Whether everybody can read what is said in this chat. Nobody is asked there who they are, no card is bound to it, and `send` writes a
   * neutral invitation instead of whatever it is given.
   */
  isPublic?(chatId: string): boolean
  /** Constant-time check that the vendor sent these very bytes. */
  verify(request: RawRequest, credentials: Credentials): boolean
  /** Pure; an update that we do not support is `[]`. @throws Error when the body cannot be read at all */
  parse(request: RawRequest, credentials: Credentials): readonly Inbound[]
  send(message: OutboundMessage, context: ChannelContext<Credentials>): Promise<Sent>
  /** Asks the vendor what became of a send whose outcome is not known. `undefined`: the vendor does not know it, so it is not out. */
  lookUp?(message: OutboundMessage, context: ChannelContext<Credentials>): Promise<Sent | undefined>
  /** Replaces the text of a message of ours; absent where the messenger cannot. @throws ChannelError of class `content` when it is too late */
  edit?(message: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean }, context: ChannelContext<Credentials>): Promise<void>
  /** Takes a message of ours back from the patient; one that is gone already is success. Absent where the messenger cannot. */
  remove?(message: SentMessage, context: ChannelContext<Credentials>): Promise<void>
  /**
   * For vendors that let messages wait: takes back what has not left for this chat, so that it cannot reach the patient any more. With an
   * `externalId` that message alone is meant, without one (its answer was lost) whatever waits for the chat. Nothing waiting is success.
   *
   * @returns external ids of all messages that will not go out because of it, this one among them: a vendor may take back only all at once
   */
  withdraw?(message: { readonly externalId?: string; readonly to: string }, context: ChannelContext<Credentials>): Promise<readonly string[]>
  /** The bytes of a patient's file, at most `maxBytes`. @throws ChannelError of class `content` when the vendor no longer has it or it is too large */
  download?(file: InboundFile, context: ChannelContext<Credentials> & { readonly maxBytes: number }): Promise<{ readonly bytes: Uint8Array; readonly mimeType?: string }>
  /** Absent: the messenger opens no pages, or does not say for whom. */
  readonly miniApp?: MiniApp<Credentials>
  /** The address by which a patient starts this bot with a token (at most 32 of `A-Za-z0-9_-`); undefined when the bot has no public name. */
  startLink?(token: string, facts: { readonly title: string; readonly credentials: Credentials }): string | undefined
  /** Tells the messenger that a press was taken, so that the patient's button stops waiting. */
  answerAction?(action: { readonly externalId: string; readonly chatId: string; readonly text: string }, context: ChannelContext<Credentials>): Promise<void>
  /** Writes the deadline into the vendor's template, where only there it can be set (WhatsApp); safe to repeat. */
  setTemplateLife?(template: { readonly name: string; readonly language: string; readonly lifeSeconds: number }, context: ChannelContext<Credentials>): Promise<void>
}

/**
 * A vendor's no, or its silence.
 *
 * `outcome: 'rejected'` - nothing went out, the vendor said so or was never reached; `'unknown'` - the request was written and
 * no answer came, so the message may be with the patient. Messages say what to do and hold no URL, token, phone or text.
 */
export class ChannelError extends AppError {
  readonly failure: Failure
  readonly outcome: 'rejected' | 'unknown'
  readonly retryAfterSeconds: number | undefined

  constructor(failure: Failure, message: string, options: { outcome?: 'rejected' | 'unknown'; retryAfterSeconds?: number; cause?: unknown } = {}) {
    const code: ErrorCode = failure.class === 'transient' || failure.class === 'channelTemporary' ? 'CHANNEL_UNAVAILABLE' : 'CHANNEL_REFUSED'
    super(code, message, { cause: options.cause })
    this.name = 'ChannelError'
    this.failure = failure
    this.outcome = options.outcome ?? 'rejected'
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
