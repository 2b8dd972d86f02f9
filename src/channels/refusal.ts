/** What a channel refuses before anything leaves, in sentences for whoever wrote the message. */
import { ChannelError, type ChannelLimits, type OutboundMessage } from './channel.ts'

/** The text of a message whose kind no messenger lets us show: the operator must know that the patient sent something. */
export const unsupportedText = 'Пришло сообщение, которое здесь нельзя показать: попросите прислать его текстом, фото или файлом.'

const refuse = (code: string, sentence: string): never => {
  throw new ChannelError({ class: 'content', code }, sentence)
}

const refuseFile = ({ file }: OutboundMessage, limits: ChannelLimits['files'], textLength: number): void => {
  if (file === undefined) return
  if (limits === undefined) return refuse('file.unsupported', 'По этому каналу файлы не отправить: пришлите текст или выберите другой мессенджер.')
  if (file.bytes.byteLength === 0) refuse('file.empty', 'Файл пуст: проверьте его и прикрепите ещё раз.')
  if (file.bytes.byteLength > limits.maxBytes) refuse('file.large', `Файл больше ${megabytes(limits.maxBytes)} МБ: уменьшите его или пришлите ссылку.`)
  if (textLength === 0) return
  if (limits.withoutCaption?.includes(file.kind) === true) refuse('caption.unsupported', 'К такому файлу подпись не добавить: отправьте текст отдельным сообщением.')
  if (textLength > limits.captionLength) refuse('caption.long', `Подпись к файлу длиннее ${limits.captionLength} символов: отправьте текст отдельным сообщением.`)
}

/** Whole megabytes, as a person counts them. */
export const megabytes = (bytes: number): number => Math.floor(bytes / (1024 * 1024))

/**
 * Refuses what the messenger would refuse, before anything leaves: empty or long text, a file or buttons that do not fit.
 * `textLength` is that of the text as it will go out, markup included where the messenger counts it.
 *
 * @throws ChannelError of class `content`
 */
export const refuseOversize = (message: OutboundMessage, limits: ChannelLimits, textLength = message.text.length): void => {
  refuseFile(message, limits.files, textLength)
  if (message.text.trim() === '' && message.template === undefined && message.file === undefined) refuse('text.empty', 'Текст сообщения пуст: впишите его и отправьте ещё раз.')
  const most = (message.buttons?.length ?? 0) === 0 ? (limits.freeTextLength ?? limits.textLength) : limits.textLength
  if (textLength > most && message.template === undefined) refuse('text.long', `Текст длиннее ${most} символов: сократите его или разделите на части.`)
  const buttons = limits.buttons
  if (buttons === undefined || message.buttons === undefined) return
  if (message.buttons.length > buttons.count) refuse('buttons.many', `Кнопок больше ${buttons.count}: уберите лишние из сообщения.`)
  for (const button of message.buttons) {
    if (Buffer.byteLength(button.id) > buttons.payloadBytes) refuse('button.payload', `Данные кнопки длиннее ${buttons.payloadBytes} байт: сократите их.`)
    if (button.title.length > buttons.titleLength) refuse('button.title', `Надпись кнопки длиннее ${buttons.titleLength} символов: сократите её.`)
  }
}
