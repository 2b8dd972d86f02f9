/** What the application itself says to whoever has opened a page or calls its API. */
export const pageWords: Readonly<Record<string, string>> = {
  'Битрикс24 не включил коннектор на этой линии: закройте настройки, откройте их снова и повторите.':
    'Bitrix24 did not switch the connector on for this line: close the settings, open them again and repeat.',
  'Такого коннектора в приложении больше нет: обновите приложение на портале.':
    'The application no longer has this connector: update the application on the portal.',
  'Этой открытой линии больше нет: выберите другую в Контакт-центре.':
    'This open line is no more: choose another one in the contact center.',
  'Этому коннектору подключение не нужно: включите его без выбора.': 'This connector needs no connection: switch it on without choosing.',
  'Подключение здесь не выбирают.': 'No connection is chosen here.',
  'Выберите подключение этого мессенджера.': 'Choose a connection of this messenger.',
  'Выберите подключение из списка.': 'Choose a connection from the list.',
  'Клиника ещё не знает, что это вы: поделитесь номером телефона в чате с ней.':
    'The clinic does not know yet that it is you: share your phone number in the chat with it.',
  'Время визита изменилось: посмотрите на новое и ответьте ещё раз.':
    'The time of the visit has changed: look at the new one and answer again.',
  'Подключения этого аккаунта больше нет: обновите страницу.': 'The connection of this account is no more: reload the page.',
  'Этого аккаунта больше нет: обновите страницу.': 'This account is no more: reload the page.',
  'Аккаунт уже привязан к другому пациенту: сначала отвяжите его там.':
    'The account is bound to another patient already: unbind it there first.',
  'Человек ещё не назвал телефон: спросите его в чате или привяжите карточку сами.':
    'The person has not named a phone yet: ask for it in the chat or bind the card yourself.',
  'Это номер самой клиники, он есть во многих карточках: уточните телефон у человека.':
    'This is the clinic’s own number and stands in many cards: ask the person for theirs.',
  'У пациента нет общего чата: ответ уходит туда, откуда он написал.':
    'The patient has no common chat: the answer goes where they wrote from.',
  'Этого аккаунта у пациента больше нет: обновите страницу.': 'The patient no longer has this account: reload the page.',
  'Личная ссылка делается для известного пациента: сначала привяжите карточку.':
    'A personal link is made for a known patient: bind the card first.',
  'Для этого подключения ссылку не сделать: выберите бота из списка.': 'This connection has no links: choose a bot from the list.',
  'Эта ссылка на файл больше не действует: откройте файл из чата ещё раз.':
    'This link to the file is no longer valid: open the file from the chat again.',
  'Этого файла больше нет.': 'This file is no more.',
  'Такого мессенджера нет: выберите его из списка.': 'There is no such messenger: choose it from the list.',
  'Выберите мессенджер из списка.': 'Choose a messenger from the list.',
  'Мессенджер подключения не меняют: добавьте новое подключение.': 'A connection’s messenger cannot be changed: add a new connection.',
  'Это подключение другого мессенджера.': 'This connection is of another messenger.',
  'Этого подключения уже нет: обновите страницу.': 'This connection is no more: reload the page.',
  'Подключение занято в маршруте «{name}»: сначала уберите его оттуда.':
    'The connection is used in the route “{name}”: take it out of there first.',
  'Связи нет: проверьте настройки подключения.': 'There is no link: check the connection’s settings.',
  'Работает.': 'It works.',
  'Поставлено в очередь: через несколько секунд посмотрите на телефон.': 'Put in the queue: look at the phone in a few seconds.',
  'Отправлено: посмотрите на телефон.': 'Sent: look at the phone.',
  'Это не похоже на адрес почты: напишите его в виде имя@домен.': 'This does not look like an e-mail address: write it as name@domain.',
  'Напишите адрес в виде имя@домен.': 'Write the address as name@domain.',
  'Это не похоже на номер телефона: напишите его в виде +7 и десять цифр.':
    'This does not look like a phone number: write it as +7 and ten digits.',
  'Напишите номер в виде +7 и десять цифр.': 'Write the number as +7 and ten digits.',
  'Этого чата больше нет: закройте панель.': 'This chat is no more: close the panel.',
  'Портал не показывает вам эту карточку: обновите страницу или попросите доступ у администратора.':
    'The portal does not show you this card: reload the page or ask an administrator for access.',
  'Страница открыта давно: закройте её и откройте снова.': 'The page was opened long ago: close it and open it again.',
  'Портал не передал ключи установки: переустановите приложение из списка приложений портала.':
    'The portal gave no keys of the installation: install the application again from the portal’s list of applications.',
  'Ключи установки принадлежат другому порталу: откройте приложение из своего портала.':
    'The keys of the installation belong to another portal: open the application from your own portal.',
  'Установить приложение может только администратор портала: попросите его открыть эту страницу.':
    'Only an administrator of the portal can install the application: ask one to open this page.',
  'Сервер авторизации Битрикс24 не отвечает: повторите через минуту.':
    'The Bitrix24 authorization server does not answer: repeat in a minute.',
  'Битрикс24 не подтвердил установку: проверьте ключи приложения (BITRIX_CLIENT_ID и BITRIX_CLIENT_SECRET) и установите заново.':
    'Bitrix24 did not confirm the installation: check the application’s keys (BITRIX_CLIENT_ID and BITRIX_CLIENT_SECRET) and install again.',
  'Портал не установлен: установите приложение заново.': 'The portal is not installed: install the application again.',
  'Это публичный комментарий, его видят все: попросите человека написать в личные сообщения и привяжите их.':
    'This is a public comment that everybody sees: ask the person to write in private and bind that.',
  'Ключ не подходит: создайте новый в настройках «Эстафеты» и передайте его в заголовке Authorization.':
    'The key is not valid: make a new one in Estafeta’s settings and give it in the Authorization header.',
  'Такой записи нет: проверьте её номер.': 'There is no such appointment: check its number.',
  'Объединить можно две разные карточки пациента: обновите страницу.': 'Two different cards of a patient can be merged: reload the page.',
  'У карточек больше нет общего телефона: объедините их на портале, если это один человек.':
    'The cards no longer share a phone: merge them on the portal if they are one person.',
  'Поля карточек расходятся: объедините их на портале вручную, выбрав верные значения.':
    'The fields of the cards differ: merge them on the portal by hand and choose the right values.',
  'Портал не дал объединить карточки: нужны права на изменение и удаление контактов.':
    'The portal did not let the cards be merged: the rights to change and delete contacts are needed.',
  'Страница открыта давно или не из чата с клиникой: закройте её и откройте из чата снова.':
    'The page was opened long ago or not from the chat with the clinic: close it and open it from the chat again.',
  'Такой страницы нет: откройте её из чата с клиникой.': 'There is no such page: open it from the chat with the clinic.',
  'Сейчас не удаётся узнать о вашем визите: попробуйте через минуту или позвоните в клинику.':
    'Your visit cannot be looked up right now: try again in a minute or call the clinic.',
  'Откройте эту страницу из Битрикс24.': 'Open this page from Bitrix24.',
  'Приложение на этом портале не установлено до конца: попросите администратора установить его заново.':
    'The application is not fully installed on this portal: ask an administrator to install it again.',
  'Портал сейчас не отвечает: откройте страницу через минуту.': 'The portal does not answer right now: open the page in a minute.',
  'Портал не подтвердил ваш вход: закройте страницу и откройте её снова.':
    'The portal did not confirm your sign-in: close the page and open it again.',
  'Сохраните сделку: после этого вкладка покажет её пациента.': 'Save the deal: then this tab shows its patient.',
  'Сохраните контакт: после этого вкладка покажет его переписку.': 'Save the contact: then this tab shows their conversation.',
  'Подключения открытых линий настраивает администратор портала: попросите его.':
    'Connections of open lines are set up by an administrator of the portal: ask one.',
  'Такого коннектора в приложении нет: откройте «Эстафету» в Контакт-центре заново.':
    'The application has no such connector: open Estafeta in the contact center again.',
  'Выберите открытую линию и откройте настройки ещё раз.': 'Choose an open line and open the settings again.',
  'Портал не показывает вам эту карточку или чат: попросите доступ у администратора.':
    'The portal does not show you this card or chat: ask an administrator for access.',
  'Откройте панель рядом с чатом открытой линии.': 'Open the panel beside a chat of an open line.',
  'Этот чат пришёл не через «Эстафету»: о нём здесь ничего не известно.':
    'This chat did not come through Estafeta: nothing is known of it here.',
  'Проверьте отмеченные поля.': 'Check the marked fields.',
  'Выберите переписку, уведомления или оба.': 'Choose conversations, notifications or both.',
  'Обновите страницу: продолжить историю с этого места нельзя.': 'Reload the page: the history cannot go on from here.',
  'Начните историю сначала.': 'Begin the history anew.',
  'В сделке теперь другой контакт: закройте вкладку и откройте её снова.':
    'The deal has another contact now: close the tab and open it again.',
  'Такого поля в сделках больше нет: выберите другое.': 'Deals no longer have this field: choose another one.',
  'Выберите поле из списка.': 'Choose a field from the list.',
  'Ключей уже {count}: удалите ненужные.': 'There are {count} keys already: delete those that are not needed.',
  'Этого ключа уже нет: обновите страницу.': 'This key is no more: reload the page.',
  'Добавьте хотя бы один шаг.': 'Add at least one step.',
  'Шагов не больше десяти.': 'Ten steps at most.',
  'Этого подключения больше нет: выберите другое.': 'This connection is no more: choose another one.',
  'Подключение выключено или сломано: почините его или выберите другое.':
    'The connection is off or broken: repair it or choose another one.',
  'Этот канал - только для переписки, которую ведут люди: выберите другое подключение.':
    'This channel is only for talk that people lead: choose another connection.',
  'Этот мессенджер такого подтверждения не даёт: выберите другое, иначе шаг никогда не закончится успехом.':
    'This messenger never gives that proof: choose another one, or the step can never succeed.',
  'В этом мессенджере нет кнопок: уберите их из шага.': 'This messenger has no buttons: take them out of the step.',
  'Писать первым здесь можно только по одобренному шаблону: укажите его имя и язык.':
    'Only an approved template may be the first message here: give its name and language.',
  'Задача сотруднику может быть только последним шагом.': 'A task for staff can only be the last step.',
  'Время шага - от 1 минуты до 7 дней.': 'A step takes from 1 minute to 7 days.',
  'Текст длиннее, чем принимает этот мессенджер.': 'The text is longer than this messenger takes.',
  'Это подключение уже есть в маршруте: дважды в один мессенджер пациенту не пишут.':
    'This connection is in the route already: nobody is written to twice in one messenger.',
  'Этого маршрута уже нет: обновите страницу.': 'This route is no more: reload the page.',
  'Это уведомление уже не в пути: обновите страницу.': 'This notification is no longer on its way: reload the page.',
  'пациент недоступен в этом мессенджере - напишите в другой или позвоните.':
    'the patient cannot be reached in this messenger - write in another one or call.',
  'телефон пациента сейчас недоступен - попробуйте позже или другой мессенджер.':
    'the patient’s phone is unavailable right now - try again later or use another messenger.',
  'мессенджер не принял это сообщение - измените его и отправьте ещё раз.':
    'the messenger did not accept this message - change it and send it again.',
  'мессенджер не доставил сообщение - отправьте через другой или позвоните.':
    'the messenger did not deliver the message - send it through another one or call.',
  'Так пациенту больше не написать: обновите страницу и выберите другой способ.':
    'The patient can no longer be written to this way: reload the page and choose another way.',
  'Сократите текст.': 'Shorten the text.',
  'В этом мессенджере помещается не больше {count} символов: сократите текст.':
    'This messenger takes {count} characters at most: shorten the text.',
  'Не подтверждено, что этот аккаунт принадлежит пациенту: подтвердите его, и можно будет писать.':
    'It is not proved that this account is the patient’s: confirm it to be able to write.',
  'Выберите шаблон: свободный текст этот мессенджер сейчас не примет.': 'Choose a template: this messenger takes no free text right now.',
  'Выберите утверждённый шаблон.': 'Choose an approved template.',
  'По этому номеру сообщения не принимаются: выберите другой способ.': 'This number takes no messages: choose another way.',
  'По этому адресу сообщения не принимаются: выберите другой способ.': 'This address takes no messages: choose another way.',
  'Настройки меняет администратор портала: попросите его.': 'Settings are changed by an administrator of the portal: ask one.',
  'Уберите невидимые знаки из полей и сохраните ещё раз.': 'Take invisible characters out of the fields and save again.',
  'Откройте настройки коннектора из Контакт-центра.': 'Open the connector’s settings from the contact center.',
  'Запрос не удалось прочитать.': 'The request could not be read.',
  'Что-то сломалось у нас: повторите, а если не поможет, напишите в поддержку.':
    'Something broke on our side: repeat, and if that does not help, write to support.',
  'Проверьте это поле.': 'Check this field.',
  'Такой страницы нет.': 'There is no such page.',
  'Откройте эту страницу из карточки пациента или рядом с чатом.': 'Open this page from a patient’s card or beside a chat.',
  'Номер записи - до 100 латинских букв, цифр и знаков без пробелов.':
    'The appointment’s number: up to 100 Latin letters, digits and signs without spaces.',
  'Проверьте номер записи.': 'Check the appointment’s number.',
  'Уберите невидимые знаки из полей.': 'Take invisible characters out of the fields.',
  'Такого адреса здесь нет.': 'There is no such address here.',
}
