/**
 * What to do about a failed call.
 *
 * - `refresh` the token is not accepted: refresh it, then try another administrator's
 * - `otherUser` this user may not use the application: take another administrator's token
 * - `moved` the portal has a new address: refresh to learn it
 * - `backOff` too many calls or a passing trouble: wait, then go on
 * - `pauseMethod` this method has used up its operating time: leave it alone until then, others may go on
 * - `stopTraffic` Bitrix24 or the clinic's plan has closed the REST API: no calls until a person has acted
 * - `park` the portal is closed or unpaid: keep everything, look again later
 * - `reinstall` no token is left: an administrator must open or install the application again
 * - `connectLine` the open line or its connector is switched off: keep everything, look again later, a person must switch it on
 * - `alreadyDone` what was asked for exists already
 * - `giveUp` this call can never work as it is
 */
export type BitrixAction =
  | 'refresh'
  | 'otherUser'
  | 'moved'
  | 'backOff'
  | 'pauseMethod'
  | 'stopTraffic'
  | 'park'
  | 'reinstall'
  | 'connectLine'
  | 'alreadyDone'
  | 'giveUp'

/** What a person should do about a failed call: one sentence without its full stop. */
export const advice: Readonly<Record<BitrixAction, string>> = {
  refresh: 'портал не принял сохранённый вход; пусть администратор откроет приложение в Битрикс24',
  otherUser: 'этому сотруднику приложение недоступно; пусть его откроет администратор Битрикс24',
  reinstall: 'не осталось действующего входа; пусть администратор откроет приложение в Битрикс24 или установит его заново',
  moved: 'у портала новый адрес; приложение узнает его само',
  backOff: 'портал сейчас не отвечает; где это безопасно, вызов повторится сам',
  pauseMethod: 'портал на несколько минут ограничил этот метод; вызов повторится сам',
  stopTraffic: 'портал закрыл REST API; проверьте тариф Битрикс24 или напишите в его поддержку',
  park: 'портал закрыт или не оплачен; откройте его в браузере и проверьте тариф Битрикс24',
  connectLine: 'открытая линия или её коннектор выключены; включите мессенджер в контакт-центре Битрикс24, сообщения ждут',
  alreadyDone: 'это уже есть на портале',
  giveUp: 'портал отклонил вызов; проверьте права приложения и администратора, который его установил',
}

/** What one registration came to, for the administrator. */
export const registrationWords = {
  registered: 'Зарегистрировано.',
  upToDate: 'Без изменений.',
  takenAway: 'Старая регистрация убрана.',
  removed: 'Убрано.',
  notListed: 'Портал не показывает это событие в списке, поэтому оно не придёт: проверьте его имя.',
  adminNeeded: 'Роботов, триггеры и каналы открытых линий может зарегистрировать только администратор портала: пусть он откроет приложение.',
} as const
