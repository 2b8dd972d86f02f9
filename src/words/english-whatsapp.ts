/** What WhatsApp says, through Meta and through the gateways GREEN-API and Wazzup. */
export const whatsAppWords: Readonly<Record<string, string>> = {
  'Впишите идентификатор номера телефона: только цифры, из WhatsApp Manager.':
    'Enter the id of the phone number: digits only, from WhatsApp Manager.',
  'Впишите идентификатор аккаунта WhatsApp Business: только цифры, из WhatsApp Manager.':
    'Enter the id of the WhatsApp Business account: digits only, from WhatsApp Manager.',
  'Впишите постоянный токен системного пользователя или ключ партнёра.': 'Enter the permanent token of a system user or the partner’s key.',
  'Уберите пробелы и переносы строк из токена.': 'Take spaces and line breaks out of the token.',
  'Впишите секрет приложения Meta: без него нельзя проверить подпись сообщений.':
    'Enter the secret of the Meta application: without it the signature of messages cannot be checked.',
  'Придумайте проверочное слово и впишите его здесь и в консоли Meta.':
    'Think of a verification word and enter it here and in the Meta console.',
  'Впишите Bearer или D360-API-KEY.': 'Enter Bearer or D360-API-KEY.',
  'WhatsApp не разрешает отправку с этого номера: проверьте права токена и состояние номера в WhatsApp Manager.':
    'WhatsApp does not let this number send: check the token’s rights and the number’s state in WhatsApp Manager.',
  'WhatsApp не принял запрос: проверьте идентификаторы номера и аккаунта в настройках подключения.':
    'WhatsApp did not accept the request: check the ids of the number and the account in the connection’s settings.',
  'WhatsApp просит отправлять реже: дождитесь снижения нагрузки или повысьте лимит номера в WhatsApp Manager.':
    'WhatsApp asks to send less often: wait until the load falls or raise the number’s limit in WhatsApp Manager.',
  'WhatsApp временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'WhatsApp is unavailable for now: check the connection again in a few minutes.',
  'Этому человеку WhatsApp сообщение не доставит: свяжитесь с ним другим способом.':
    'WhatsApp will not deliver the message to this person: contact them another way.',
  'Человек отказался от рассылок в WhatsApp: свяжитесь с ним другим способом.':
    'The person refuses marketing messages in WhatsApp: contact them another way.',
  'WhatsApp не принял содержание сообщения: проверьте шаблон, его язык и число параметров в WhatsApp Manager.':
    'WhatsApp did not accept the message: check the template, its language and the number of its parameters in WhatsApp Manager.',
  'WhatsApp не понял запрос: проверьте идентификаторы номера и аккаунта и параметры шаблона.':
    'WhatsApp did not understand the request: check the ids of the number and the account and the template’s parameters.',
  'Токен WhatsApp не действует: выпустите постоянный токен системного пользователя и впишите его в подключение.':
    'The WhatsApp token is not valid: issue a permanent token of a system user and enter it in the connection.',
  'Номер WhatsApp тестовый: добавьте получателя в список разрешённых или подключите рабочий номер.':
    'The WhatsApp number is a test one: add the recipient to the allowed list or connect a working number.',
  'Аккаунт WhatsApp заблокирован: разберите нарушение в WhatsApp Manager.':
    'The WhatsApp account is blocked: settle the violation in WhatsApp Manager.',
  'WhatsApp не может списать оплату: проверьте способ оплаты в настройках аккаунта Meta.':
    'WhatsApp cannot take the payment: check the payment method in the settings of the Meta account.',
  'Прошло больше 24 часов с последнего сообщения человека: укажите в шаге утверждённый шаблон.':
    'More than 24 hours have passed since the person’s last message: name an approved template in the step.',
  'Шаблона с таким именем и языком нет в WhatsApp: создайте его или исправьте имя и язык в шаге.':
    'WhatsApp has no template with this name and language: make it or correct the name and the language in the step.',
  'Шаблон WhatsApp приостановлен за жалобы: измените его или выберите в шаге другой.':
    'The WhatsApp template is paused for complaints: change it or choose another one in the step.',
  'Шаблон WhatsApp отключён за жалобы: создайте новый и укажите его в шаге.':
    'The WhatsApp template is disabled for complaints: make a new one and name it in the step.',
  'Номер не зарегистрирован в Cloud API: зарегистрируйте его в WhatsApp Manager.':
    'The number is not registered in the Cloud API: register it in WhatsApp Manager.',
  'Ответ WhatsApp не удалось прочитать: проверьте адрес API в настройках подключения.':
    'WhatsApp’s answer could not be read: check the API address in the connection’s settings.',
  'Meta заблокировала номер: подайте апелляцию в WhatsApp Manager, а до её решения уберите WhatsApp из маршрутов.':
    'Meta has blocked the number: appeal in WhatsApp Manager and take WhatsApp out of the routes until it is decided.',
  'Номер удалён из WhatsApp Business: добавьте его в WhatsApp Manager заново или удалите подключение.':
    'The number was deleted from WhatsApp Business: add it in WhatsApp Manager again or delete the connection.',
  'Номер перенесён в другой аккаунт WhatsApp Business: впишите в подключение новые идентификаторы и токен.':
    'The number was moved to another WhatsApp Business account: enter the new ids and token in the connection.',
  'Номер отключён от WhatsApp Business: зарегистрируйте его в WhatsApp Manager ещё раз.':
    'The number is disconnected from WhatsApp Business: register it in WhatsApp Manager again.',
  'Картинка': 'The picture',
  'Видео': 'The video',
  'Аудиозапись': 'The audio',
  'Файл': 'The file',
  'Стикер': 'The sticker',
  'WhatsApp показывает только JPEG и PNG: сохраните картинку в одном из этих форматов и отправьте ещё раз.':
    'WhatsApp shows JPEG and PNG only: save the picture in one of these formats and send it again.',
  'WhatsApp показывает только видео MP4: сохраните его в этом формате и отправьте ещё раз.':
    'WhatsApp shows MP4 video only: save it in this format and send it again.',
  'WhatsApp принимает звук только в MP3, AAC, M4A, AMR и OGG с кодеком Opus: сохраните запись как MP3 и отправьте ещё раз.':
    'WhatsApp takes sound only as MP3, AAC, M4A, AMR and OGG with the Opus codec: save the recording as MP3 and send it again.',
  'WhatsApp принимает документы PDF, Word, Excel, PowerPoint и TXT: сохраните файл как PDF и отправьте ещё раз.':
    'WhatsApp takes PDF, Word, Excel, PowerPoint and TXT documents: save the file as PDF and send it again.',
  '{size} КБ': '{size} KB',
  '{size} МБ': '{size} MB',
  '{name} больше {most}: сожмите или пришлите ссылкой, больше WhatsApp не принимает.':
    '{name} is larger than {most}: compress it or send a link, WhatsApp takes no more.',
  'WhatsApp не принял файл: сохраните его как PDF, JPEG или MP4 и отправьте ещё раз.':
    'WhatsApp did not accept the file: save it as PDF, JPEG or MP4 and send it again.',
  'Кнопки под файлом WhatsApp не показывает: отправьте их отдельным сообщением.':
    'WhatsApp shows no buttons under a file: send them as a separate message.',
  'Впишите idInstance: только цифры, из кабинета GREEN-API.': 'Enter idInstance: digits only, from your GREEN-API account.',
  'Впишите apiTokenInstance из кабинета GREEN-API целиком, без пробелов.':
    'Enter the whole apiTokenInstance from your GREEN-API account, without spaces.',
  'Токен вебхука: от 8 латинских букв, цифр, знаков _ и -.': 'Webhook token: at least 8 Latin letters, digits, _ and -.',
  'Адрес API должен начинаться с https://.': 'The API address must start with https://.',
  'Адрес для файлов должен начинаться с https://.': 'The address for files must start with https://.',
  'GREEN-API не принял idInstance или токен: скопируйте их из карточки инстанса и проверьте, что тариф оплачен.':
    'GREEN-API did not accept idInstance or the token: copy them from the instance’s card and check that the plan is paid.',
  'Инстанс GREEN-API сейчас не отправляет: откройте его карточку в кабинете и проверьте состояние.':
    'The GREEN-API instance does not send right now: open its card in your account and check its state.',
  'GREEN-API просит отправлять реже: дождитесь снижения нагрузки.': 'GREEN-API asks to send less often: wait until the load falls.',
  'GREEN-API временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'GREEN-API is unavailable for now: check the connection again in a few minutes.',
  'На этом номере нет WhatsApp: напишите в другой мессенджер или позвоните.':
    'This number has no WhatsApp: write in another messenger or call.',
  'Сейчас WhatsApp сообщение не доставит: свяжитесь с человеком другим способом.':
    'WhatsApp will not deliver the message right now: contact the person another way.',
  'Человек отказался от сообщений: свяжитесь с ним другим способом.': 'The person refuses messages: contact them another way.',
  'GREEN-API не принял содержание сообщения: сократите текст и проверьте файл.':
    'GREEN-API did not accept the message: shorten the text and check the file.',
  'Тариф GREEN-API исчерпан: смените тариф инстанса в кабинете или дождитесь начала месяца.':
    'The GREEN-API plan is used up: change the instance’s plan in your account or wait for the next month.',
  'Ответ GREEN-API не удалось прочитать: проверьте адрес API в настройках подключения.':
    'GREEN-API’s answer could not be read: check the API address in the connection’s settings.',
  'Телефон отвязан от GREEN-API: отсканируйте QR-код в карточке инстанса.':
    'The phone is unlinked from GREEN-API: scan the QR code in the instance’s card.',
  'WhatsApp заблокировал этот номер: подключите другой и переведите пациентов на официальные каналы.':
    'WhatsApp has blocked this number: connect another one and move patients to official channels.',
  'WhatsApp ограничил этот номер (жёлтая карточка): остановите рассылки и подождите, пока ограничение снимут.':
    'WhatsApp has limited this number (yellow card): stop mass messages and wait until the limit is lifted.',
  'Номер временно ограничен: остановите рассылки и подождите, пока ограничение снимут.':
    'The number is limited for now: stop mass messages and wait until the limit is lifted.',
  'Телефон с WhatsApp выключен или без связи: включите его и проверьте подключение ещё раз.':
    'The phone with WhatsApp is off or offline: switch it on and check the connection again.',
  'Инстанс GREEN-API запускается: проверьте подключение ещё раз через пять минут.':
    'The GREEN-API instance is starting: check the connection again in five minutes.',
  'Инстанс GREEN-API не готов к работе: откройте его карточку в кабинете.':
    'The GREEN-API instance is not ready: open its card in your account.',
  'Очередь GREEN-API не очистилась: очистите её в карточке инстанса, иначе сообщения уйдут позже.':
    'The GREEN-API queue was not cleared: clear it in the instance’s card, or its messages will leave later.',
  'У файла нет расширения: переименуйте его, например в «анализ.pdf», и отправьте ещё раз.':
    'The file has no extension: rename it, for example to “analysis.pdf”, and send it again.',
  'Изменить это сообщение нельзя: WhatsApp даёт 15 минут и не меняет подписей к файлам.':
    'This message cannot be changed: WhatsApp gives 15 minutes and never changes captions of files.',
  'Удалить сообщение у пациента уже нельзя: напишите ему, что оно отправлено по ошибке.':
    'The message can no longer be deleted at the patient’s side: write that it was sent by mistake.',
  'Это инстанс не WhatsApp: для MAX и Telegram подключите официального бота, а не номер телефона.':
    'This instance is not WhatsApp: for MAX and Telegram connect the official bot and not a phone number.',
  'GREEN-API не сохранил настройки: подождите пять минут и подключите ещё раз.':
    'GREEN-API did not save the settings: wait five minutes and connect again.',
  'Впишите ключ API из кабинета Wazzup.': 'Enter the API key from your Wazzup account.',
  'Впишите ключ API из кабинета Wazzup целиком, без пробелов.': 'Enter the whole API key from your Wazzup account, without spaces.',
  'Впишите идентификатор канала Wazzup (channelId).': 'Enter the id of the Wazzup channel (channelId).',
  'Идентификатор канала выглядит так: d9e5721c-ce2b-444f-9627-60a8129d7e1f.':
    'A channel’s id looks like this: d9e5721c-ce2b-444f-9627-60a8129d7e1f.',
  'Ключ CRM: от 8 знаков без пробелов; если его нет, оставьте поле пустым.':
    'CRM key: at least 8 characters without spaces; if there is none, leave the field empty.',
  'Wazzup не отправляет через этот канал: проверьте ключ API, состояние канала и оплату в кабинете.':
    'Wazzup does not send through this channel: check the API key, the channel’s state and the payment in your account.',
  'Канал Wazzup сейчас недоступен: откройте его в кабинете и проверьте состояние.':
    'The Wazzup channel is unavailable right now: open it in your account and check its state.',
  'Wazzup просит отправлять реже: дождитесь снижения нагрузки.': 'Wazzup asks to send less often: wait until the load falls.',
  'Wazzup временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'Wazzup is unavailable for now: check the connection again in a few minutes.',
  'У этого человека нет такого мессенджера: напишите в другой или позвоните.':
    'This person does not have this messenger: write in another one or call.',
  'Сейчас мессенджер сообщение не доставит: свяжитесь с человеком другим способом.':
    'The messenger will not deliver the message right now: contact the person another way.',
  'Wazzup не принял содержание сообщения: сократите текст и проверьте файл.':
    'Wazzup did not accept the message: shorten the text and check the file.',
  'Wazzup уже принял это сообщение: проверьте его в чате и не отправляйте ещё раз.':
    'Wazzup has taken this message already: check it in the chat and do not send it again.',
  'Ответ Wazzup не удалось прочитать: проверьте адрес API в настройках подключения.':
    'Wazzup’s answer could not be read: check the API address in the connection’s settings.',
  'Канал Wazzup запускается: проверьте подключение ещё раз через минуту.':
    'The Wazzup channel is starting: check the connection again in a minute.',
  'Канал выключен в Wazzup: включите его в кабинете.': 'The channel is switched off in Wazzup: switch it on in your account.',
  'Телефон с мессенджером выключен или без связи: включите его и проверьте подключение ещё раз.':
    'The phone with the messenger is off or offline: switch it on and check the connection again.',
  'Телефон отвязан от Wazzup: отсканируйте QR-код в кабинете.': 'The phone is unlinked from Wazzup: scan the QR code in your account.',
  'Мессенджер открыт в другом месте: закройте его там и проверьте подключение ещё раз.':
    'The messenger is open elsewhere: close it there and check the connection again.',
  'Канал Wazzup не оплачен: пополните баланс в кабинете.': 'The Wazzup channel is not paid: top up the balance in your account.',
  'QR-код отсканирован другим номером: отсканируйте его телефоном клиники.':
    'The QR code was scanned with another number: scan it with the clinic’s phone.',
  'Канал Wazzup не авторизован: авторизуйте его в кабинете.': 'The Wazzup channel is not signed in: sign it in in your account.',
  'Канал Wazzup ждёт пароль двухфакторной проверки: введите его в кабинете.':
    'The Wazzup channel waits for the two-factor password: enter it in your account.',
  'Канал Wazzup на модерации: дождитесь её окончания.': 'The Wazzup channel is under moderation: wait for its end.',
  'Канал Wazzup отклонён модерацией: узнайте причину в кабинете.':
    'Moderation refused the Wazzup channel: find out the reason in your account.',
  'Мессенджер заблокировал этот номер: подключите другой.': 'The messenger has blocked this number: connect another one.',
  'Канал Wazzup не готов к работе: откройте его в кабинете.': 'The Wazzup channel is not ready: open it in your account.',
  'Этот файл Wazzup не забрать: отправьте его из чата ещё раз.': 'Wazzup cannot fetch this file: send it from the chat again.',
  'Изменить это сообщение уже нельзя: отправьте новое.': 'This message can no longer be changed: send a new one.',
  'Такого канала в Wazzup нет: скопируйте его идентификатор из кабинета ещё раз.':
    'Wazzup has no such channel: copy its id from your account again.',
  'Это канал другого мессенджера: выберите подходящее подключение, а для MAX подключите официального бота.':
    'This channel is of another messenger: choose the connection that fits; for MAX connect the official bot.',
  'Этот аккаунт Wazzup уже подключён: один аккаунт обслуживает одно подключение, для второго номера заведите другой.':
    'This Wazzup account is connected already: one account serves one connection, so take another account for the second number.',
  'Wazzup не достучался до приложения: оно должно быть доступно из интернета по https с доверенным сертификатом.':
    'Wazzup could not reach the application: it must be reachable from the internet by https with a trusted certificate.',
}
