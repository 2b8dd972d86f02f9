/** What the application itself says in a chat: to the patient, and - as a system line - to the operator. Nothing of a patient is in them. */
import { type Language } from '../bitrix/manifest.ts'
import { inLanguage } from '../words/english.ts'

/** Patients are spoken to in Russian: the clinics' own texts are. */
export const patientWords = {
  askContact: 'Здравствуйте! Чтобы мы узнали вас и могли помочь, нажмите кнопку «Поделиться номером» или напишите имя и телефон.',
  askContactWithoutButton: 'Здравствуйте! Чтобы мы узнали вас и могли помочь, напишите, пожалуйста, имя и телефон.',
  askPhone: 'Спасибо! Напишите, пожалуйста, ещё номер телефона, который указан в клинике.',
  notOwn: 'Это чужой номер. Нажмите кнопку «Поделиться номером», чтобы отправить свой, или напишите свой телефон.',
  badPhone: 'Не получилось прочитать номер. Напишите его полностью, например +7 900 123-45-67.',
  codeSent: 'Мы отправили код по СМС на этот номер. Напишите его сюда: так мы убедимся, что номер ваш.',
  codeWrong: 'Код не подошёл. Проверьте СМС и напишите код ещё раз.',
  codeOver: 'Код уже не действует. Напишите телефон ещё раз, и мы пришлём новый.',
  operatorHelps: 'Спасибо! Сотрудник клиники проверит данные и ответит вам здесь.',
  thanks: 'Спасибо, мы вас узнали. Сообщения клиники будут приходить сюда.',
  sorry: 'Спасибо, что сказали: мы больше не пишем сюда о чужих приёмах. Сотрудник клиники ответит вам здесь.',
  test: 'Проверка связи: «Эстафета» подключена.',
  notMeButton: 'Это не я',
  pressed: 'Спасибо, передали в клинику.',
  code: 'Код для подтверждения номера: {code}. Никому его не сообщайте, кроме чата клиники.',
} as const

export type PatientWord = Exclude<keyof typeof patientWords, 'notMeButton' | 'pressed' | 'code' | 'test' | 'askContactWithoutButton'>

/** Lines for operators; `{…}` is filled in. */
export const operatorNotes = {
  ru: {
    unproved: '⚠ Личность не подтверждена: не сообщайте медицинские данные. Кто это и как подтвердить - во вкладке «Пациент» справа.',
    claimed: 'Человек назвал телефон, но не подтвердил его. Проверьте и подтвердите во вкладке «Пациент».',
    ambiguous: 'Телефон подтверждён, но он записан у нескольких пациентов. Выберите нужного во вкладке «Пациент».',
    denied: 'Человек ответил «Это не я»: чат отвязан от карточки. Не сообщайте здесь данные пациента.',
    known: 'Пациент узнан: [url={link}]{name}[/url] ({proof}).',
    asked: 'Эстафета ответила: {text}',
    publicPlace: 'Это комментарий на стене: ответ увидят все. На любой ответ здесь уйдёт приглашение написать в личные сообщения.',
    invited: 'Ответ виден всем, поэтому вместо него опубликовано: {text}',
    failed: '❗ Не доставлено: {reason}',
    waiting: '⏳ Мессенджер сейчас не отвечает. Сообщение стоит в очереди и уйдёт само; если дело срочное - позвоните.',
    uncertain: '❓ Неизвестно, дошло ли последнее сообщение: мессенджер не ответил. Повторно оно не уйдёт само - спросите пациента или отправьте ещё раз.',
    cannotEdit: 'Этот мессенджер не умеет править сообщения: у пациента осталось прежнее. Отправьте исправление новым сообщением.',
    cannotDelete: 'Этот мессенджер не умеет удалять сообщения: у пациента оно осталось.',
    noRoute: '❗ Не отправлено: не выбрано, в какой мессенджер отвечать. Выберите его во вкладке «Пациент».',
    staff: 'Сотрудник написал пациенту с телефона клиники: {text}',
    wroteFirst: '{author} пишет из карточки ({channel}): {text}',
    fileGone: 'Пациент прислал файл «{name}», но получить его не удалось: попросите прислать ещё раз.',
    fileTooBig: 'Файл «{name}» больше {size} МБ: отправьте ссылку или файл поменьше.',
    fileUnreadable: 'Файл «{name}» не удалось взять с портала: приложите его ещё раз.',
    refused: 'Сообщение пациента не удалось показать здесь: оно есть в истории во вкладке «Пациент».',
    cameFrom: 'Тот же человек писал в «{channel}» и перешёл сюда по ссылке: прежний разговор - там.',
  },
  en: {
    unproved: '⚠ The person is not verified: tell no medical facts. Who it is and how to verify is in the “Patient” panel on the right.',
    claimed: 'The person named a phone but did not prove it. Check and confirm it in the “Patient” panel.',
    ambiguous: 'The phone is proved, but several patients have it. Choose the right one in the “Patient” panel.',
    denied: 'The person answered “This is not me”: the chat was taken from the card. Tell no patient data here.',
    known: 'The patient is known: [url={link}]{name}[/url] ({proof}).',
    asked: 'Estafeta answered: {text}',
    publicPlace: 'This is a comment on the wall: everybody sees the answer. Whatever you answer here, an invitation to write in private goes out.',
    invited: 'Everybody sees the answer, so this was published instead: {text}',
    failed: '❗ Not delivered: {reason}',
    waiting: '⏳ The messenger does not answer now. The message waits and will leave by itself; call if it is urgent.',
    uncertain: '❓ It is not known whether the last message arrived: the messenger gave no answer. It will not be repeated by itself - ask the patient or send it again.',
    cannotEdit: 'This messenger cannot edit messages: the patient still has the old one. Send the correction as a new message.',
    cannotDelete: 'This messenger cannot delete messages: the patient still has it.',
    noRoute: '❗ Not sent: it is not chosen to which messenger to answer. Choose it in the “Patient” panel.',
    staff: 'An employee wrote to the patient from the clinic’s phone: {text}',
    wroteFirst: '{author} writes from the card ({channel}): {text}',
    fileGone: 'The patient sent the file “{name}”, but it could not be fetched: ask to send it again.',
    fileTooBig: 'The file “{name}” is larger than {size} MB: send a link or a smaller file.',
    fileUnreadable: 'The file “{name}” could not be taken from the portal: attach it again.',
    refused: 'A message of the patient cannot be shown here: it stands in the history in the “Patient” panel.',
    cameFrom: 'The same person wrote to “{channel}” and came here by a link: the earlier talk is there.',
  },
} as const satisfies Record<Language, Record<string, string>>

export type OperatorNote = keyof (typeof operatorNotes)['ru']

export const proofWords: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  ru: { ownContact: 'свой номер из мессенджера', startLink: 'личная ссылка', phone: 'номер мессенджера', smsCode: 'код из СМС', operator: 'подтвердил сотрудник' },
  en: { ownContact: 'own number from the messenger', startLink: 'personal link', phone: 'the messenger’s number', smsCode: 'code by SMS', operator: 'confirmed by an employee' },
}

/** A note with its places filled; the reason of a refusal is a sentence of ours, said in the language of the note. */
export const noteText = (language: Language, note: OperatorNote, values: Readonly<Record<string, string>> = {}): string =>
  operatorNotes[language][note].replace(/\{(\w+)\}/g, (_, name: string) => (name === 'reason' ? inLanguage(language, values.reason ?? '') : (values[name] ?? '')))
