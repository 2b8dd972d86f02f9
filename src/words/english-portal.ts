/** What is said of the portal's answers: errors of calls, and what came of registrations. */
export const portalWords: Readonly<Record<string, string>> = {
  'Битрикс24 ({method}, {code}): {advice}.': 'Bitrix24 ({method}, {code}): {advice}.',
  'портал не принял сохранённый вход; пусть администратор откроет приложение в Битрикс24':
    'the portal does not accept the stored sign-in; an administrator should open the application in Bitrix24',
  'этому сотруднику приложение недоступно; пусть его откроет администратор Битрикс24':
    'this employee may not use the application; an administrator should open it in Bitrix24',
  'не осталось действующего входа; пусть администратор откроет приложение в Битрикс24 или установит его заново':
    'no valid sign-in is left; an administrator should open the application in Bitrix24 or install it again',
  'у портала новый адрес; приложение узнает его само': 'the portal has a new address; the application learns it by itself',
  'портал сейчас не отвечает; где это безопасно, вызов повторится сам':
    'the portal does not answer right now; the call is repeated by itself where that is safe',
  'портал на несколько минут ограничил этот метод; вызов повторится сам':
    'the portal limits this method for some minutes; the call is repeated by itself',
  'портал закрыл REST API; проверьте тариф Битрикс24 или напишите в его поддержку':
    'the portal has closed its REST API; check the Bitrix24 plan or write to Bitrix24 support',
  'портал закрыт или не оплачен; откройте его в браузере и проверьте тариф Битрикс24':
    'the portal is closed or not paid; open it in a browser and check the Bitrix24 plan',
  'открытая линия или её коннектор выключены; включите мессенджер в контакт-центре Битрикс24, сообщения ждут':
    'the open line or its connector is switched off; switch the messenger on in the contact centre of Bitrix24, messages wait',
  'это уже есть на портале': 'this exists on the portal already',
  'портал отклонил вызов; проверьте права приложения и администратора, который его установил':
    'the portal refused the call; check the rights of the application and of the administrator who installed it',
  'Зарегистрировано.': 'Registered.',
  'Без изменений.': 'Up to date.',
  'Старая регистрация убрана.': 'An old registration was taken away.',
  'Убрано.': 'Taken away.',
  'Портал не показывает это событие в списке, поэтому оно не придёт: проверьте его имя.':
    'The portal does not list this event, so it will not be delivered: check its name.',
  'Роботов, триггеры и каналы открытых линий может зарегистрировать только администратор портала: пусть он откроет приложение.':
    'Only an administrator of the portal can register robots, triggers and open line channels: let one open the application.',
}
