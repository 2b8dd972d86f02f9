import { type Language } from '../bitrix/manifest.ts'

/** What is not as conversations with patients need it on an open line. */
export interface LineProblem {
  readonly code: keyof (typeof words)['ru']
  readonly name?: string
}

const words = {
  ru: {
    lineOff: 'Открытая линия выключена: включите её в Контакт-центре.',
    noCrm: 'Линия не ищет пациента в CRM: нажмите «Включить», и мы настроим её.',
    createsLeads: 'Линия заводит лид на каждого незнакомого: нажмите «Включить», и мы уберём это.',
    asksVote: 'Линия просит оценку, и ответ пациента «1» пропадёт: нажмите «Включить», и мы уберём это.',
    connectorFailed: 'Битрикс24 отметил коннектор как неисправный: проверьте подключение и включите коннектор заново.',
    notComplete: 'На портале коннектор включён, а подключение не выбрано: выберите его и нажмите «Включить».',
    switchedOff: 'На портале коннектор выключен: нажмите «Включить», чтобы переписка снова шла в эту линию.',
    anotherConnector: 'На этой же линии включён коннектор «{name}»: перенесите его на отдельную линию, чтобы ответы не путались.',
    connectionBroken: 'Подключение «{name}» не работает: откройте его и проверьте.',
    oneChatOff: '«Один чат на пациента» выключен: включите его в настройках «Эстафеты», иначе сюда ничего не придёт.',
  },
  en: {
    lineOff: 'The open line is switched off: switch it on in the contact center.',
    noCrm: 'The line does not look for patients in the CRM: press “Switch on” and we set it up.',
    createsLeads: 'The line makes a lead of every unknown person: press “Switch on” and we change that.',
    asksVote: 'The line asks for a rating and would swallow a patient’s “1”: press “Switch on” and we change that.',
    connectorFailed: 'Bitrix24 marked the connector as failed: check the connection and switch the connector on again.',
    notComplete: 'The connector is on at the portal but has no connection: choose one and press “Switch on”.',
    switchedOff: 'The connector is switched off at the portal: press “Switch on” to bring conversations back to this line.',
    anotherConnector: 'The connector “{name}” is on the same line: move it to a line of its own so that answers do not mix.',
    connectionBroken: 'The connection “{name}” does not work: open it and check it.',
    oneChatOff: '“One chat per patient” is off: switch it on in Estafeta’s settings, or nothing will come here.',
  },
} as const satisfies Record<Language, Record<string, string>>

export const problemText = (language: Language, { code, name }: LineProblem): string => words[language][code].replace('{name}', name ?? '')
