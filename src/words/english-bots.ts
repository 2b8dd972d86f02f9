/** What the bots' channels say: MAX, Telegram, VK. */
export const botWords: Readonly<Record<string, string>> = {
  'Впишите токен бота из кабинета business.max.ru.': 'Enter the bot’s token from business.max.ru.',
  'Скопируйте токен бота целиком, без пробелов и слова Bearer.': 'Copy the whole token of the bot, without spaces and the word Bearer.',
  'Секрет вебхука: от 5 до 256 латинских букв, цифр, знаков _ и -.': 'Webhook secret: 5 to 256 Latin letters, digits, _ and -.',
  'Публичное имя бота выглядит так: id7700000000_bot.': 'A bot’s public name looks like this: id7700000000_bot.',
  'Сократите название клиники до 100 знаков.': 'Shorten the clinic’s name to 100 characters.',
  'Сократите адрес до 300 знаков.': 'Shorten the address to 300 characters.',
  'Ссылка на карту должна начинаться с https://.': 'The link to the map must start with https://.',
  'Телефон клиники: только цифры, пробелы, скобки и дефисы.': 'Clinic’s phone: digits, spaces, brackets and hyphens only.',
  'MAX не принял токен бота: скопируйте действующий из кабинета business.max.ru и впишите его в подключение.':
    'MAX did not accept the bot’s token: copy the valid one from business.max.ru and enter it in the connection.',
  'MAX не принял запрос: проверьте адрес API в настройках подключения.':
    'MAX did not accept the request: check the API address in the connection’s settings.',
  'MAX просит отправлять реже: дождитесь снижения нагрузки.': 'MAX asks to send less often: wait until the load falls.',
  'MAX временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'MAX is unavailable for now: check the connection again in a few minutes.',
  'Человек остановил бота или ещё не запускал его: отправьте ему личную ссылку на бота.':
    'The person has stopped the bot or never started it: send them the personal link to the bot.',
  'Сейчас MAX сообщение не доставит: свяжитесь с человеком другим способом.':
    'MAX will not deliver the message right now: contact the person another way.',
  'Человек отказался от сообщений бота: свяжитесь с ним другим способом.':
    'The person refuses the bot’s messages: contact them another way.',
  'MAX не принял содержание сообщения: сократите текст и проверьте кнопки.':
    'MAX did not accept the message: shorten the text and check the buttons.',
  'MAX не принял настройку бота: проверьте адрес API, и что приложение доступно из интернета по https с доверенным сертификатом.':
    'MAX did not accept the bot’s settings: check the API address, and that the application is reachable from the internet by https with a trusted certificate.',
  'Ответ MAX не удалось прочитать: проверьте адрес API в настройках подключения.':
    'MAX’s answer could not be read: check the API address in the connection’s settings.',
  'MAX не принял файл: уменьшите его или сохраните в другом формате.':
    'MAX did not accept the file: make it smaller or save it in another format.',
  'MAX сейчас не принимает файлы от бота: отправьте текст, а файл - позже.':
    'MAX takes no files from the bot right now: send the text now and the file later.',
  'Адрес в MAX записан неверно: попросите человека снова открыть бота по личной ссылке.':
    'The address in MAX is wrong: ask the person to open the bot by the personal link again.',
  'MAX уже не даёт изменить это сообщение: отправьте исправление новым сообщением.':
    'MAX no longer lets this message be changed: send the correction as a new message.',
  'MAX уже не даёт удалить это сообщение: отправьте уточнение новым сообщением.':
    'MAX no longer lets this message be deleted: send a clarification as a new message.',
  'Текст сообщения пуст: впишите его или удалите сообщение.': 'The message has no text: enter it or delete the message.',
  'Текст длиннее {count} символов: сократите его или отправьте новым сообщением.':
    'The text is longer than {count} characters: shorten it or send it as a new message.',
  'Telegram временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'Telegram is unavailable for now: check the connection again in a few minutes.',
  'Telegram просит отправлять реже: дождитесь снижения нагрузки.': 'Telegram asks to send less often: wait until the load falls.',
  'Telegram не принял токен бота: получите новый у @BotFather и впишите его в подключение.':
    'Telegram did not accept the bot’s token: get a new one from @BotFather and enter it in the connection.',
  'Человек остановил бота или ещё не писал ему: отправьте ему личную ссылку на бота.':
    'The person has stopped the bot or never wrote to it: send them the personal link to the bot.',
  'Telegram не принял содержание сообщения: сократите текст и проверьте кнопки.':
    'Telegram did not accept the message: shorten the text and check the buttons.',
  'Сообщение уже такое: менять нечего.': 'The message is like that already: there is nothing to change.',
  'Этого сообщения в Telegram больше нет: отправьте новое.': 'Telegram no longer has this message: send a new one.',
  'Telegram уже не даёт изменить или удалить это сообщение: отправьте уточнение новым сообщением.':
    'Telegram no longer lets this message be changed or deleted: send a clarification as a new message.',
  'Файл больше, чем отдаёт Telegram: попросите прислать его частями или ссылкой.':
    'The file is larger than Telegram gives out: ask to send it in parts or as a link.',
  'Этого бота читает другая программа: отключите её или создайте отдельного бота.':
    'Another program reads this bot: disconnect it or make a separate bot.',
  'Ответ Telegram не удалось прочитать: проверьте адрес Bot API в настройках подключения.':
    'Telegram’s answer could not be read: check the Bot API address in the connection’s settings.',
  'Telegram не принял запрос: проверьте адрес Bot API в настройках подключения.':
    'Telegram did not accept the request: check the Bot API address in the connection’s settings.',
  'Впишите токен бота, который выдал @BotFather.': 'Enter the bot’s token that @BotFather gave.',
  'Токен бота выглядит так: 123456789:AA...; скопируйте его у @BotFather целиком.':
    'A bot’s token looks like this: 123456789:AA...; copy the whole of it from @BotFather.',
  'Секрет вебхука: до 256 латинских букв, цифр, знаков _ и -.': 'Webhook secret: up to 256 Latin letters, digits, _ and -.',
  'Адрес Bot API должен начинаться с https://.': 'The Bot API address must start with https://.',
  'Telegram не принял адрес приложения: оно должно быть доступно из интернета по https на порту 443, 80, 88 или 8443.':
    'Telegram did not accept the application’s address: it must be reachable from the internet by https on port 443, 80, 88 or 8443.',
  'Адрес в Telegram записан неверно: попросите человека снова открыть бота по личной ссылке.':
    'The address in Telegram is wrong: ask the person to open the bot by the personal link again.',
  'Telegram не принял файл или подпись к нему: уменьшите файл или сохраните его в другом формате.':
    'Telegram did not accept the file or its caption: make the file smaller or save it in another format.',
  'Впишите номер сообщества: он стоит в настройках сообщества, раздел «Работа с API».':
    'Enter the number of the community: it stands in the community’s settings, section “API usage”.',
  'Номер сообщества - это цифры из адреса вида club123456.': 'The community’s number is the digits of an address like club123456.',
  'Впишите ключ доступа сообщества.': 'Enter the community’s access key.',
  'Скопируйте ключ доступа сообщества целиком: это длинная строка латинских букв и цифр.':
    'Copy the whole access key of the community: it is a long line of Latin letters and digits.',
  'Впишите строку, которую должен вернуть сервер: она стоит в разделе «Callback API».':
    'Enter the string that the server must return: it stands in the section “Callback API”.',
  'Строка подтверждения - это несколько латинских букв и цифр; скопируйте её из раздела «Callback API».':
    'The confirmation string is a few Latin letters and digits; copy it from the section “Callback API”.',
  'Секретный ключ: до 50 латинских букв, цифр, знаков _ и -.': 'Secret key: up to 50 Latin letters, digits, _ and -.',
  'ВКонтакте временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'VK is unavailable for now: check the connection again in a few minutes.',
  'ВКонтакте не принял ключ доступа: создайте новый в настройках сообщества и впишите его в подключение.':
    'VK did not accept the access key: make a new one in the community’s settings and enter it in the connection.',
  'Ключу не хватает прав: создайте ключ сообщества с правами на управление, сообщения, фотографии, документы и стену.':
    'The key lacks rights: make a community key with the rights to management, messages, photos, documents and the wall.',
  'Человек не писал сообществу или запретил ему сообщения: отправьте ему личную ссылку на сообщество.':
    'The person never wrote to the community or has forbidden its messages: send them the personal link to the community.',
  'ВКонтакте не принял содержание сообщения: сократите текст и проверьте кнопки.':
    'VK did not accept the message: shorten the text and check the buttons.',
  'ВКонтакте просит отправлять реже: дождитесь снижения нагрузки.': 'VK asks to send less often: wait until the load falls.',
  'ВКонтакте видит слишком много одинаковых действий: подождите минуту.': 'VK sees too many equal actions: wait a minute.',
  'Предел запросов к ВКонтакте исчерпан: подождите или распределите отправку по времени.':
    'The limit of requests to VK is used up: wait or spread the sending over time.',
  'ВКонтакте просит ввести код с картинки: зайдите в сообщество и отправьте одно сообщение сами.':
    'VK asks for a code from a picture: sign in to the community and send one message yourself.',
  'Текст слишком длинный для ВКонтакте: сократите его или разделите на части.':
    'The text is too long for VK: shorten it or split it into parts.',
  'Сообщество только рассылает уведомления: включите сообщения в его настройках.':
    'The community only sends notifications: switch messages on in its settings.',
  'Предел сообщений этому человеку исчерпан: попробуйте позже или другой мессенджер.':
    'The limit of messages to this person is used up: try again later or use another messenger.',
  'ВКонтакте уже не даёт изменить или удалить это сообщение: отправьте уточнение новым сообщением.':
    'VK no longer lets this message be changed or deleted: send a clarification as a new message.',
  'Комментарии к этой записи закрыты: ответьте человеку другим способом.':
    'Comments on this post are closed: answer the person another way.',
  'ВКонтакте не пропускает ссылки в комментариях: ответьте на стене вручную.':
    'VK lets no links into comments: answer on the wall by hand.',
  'ВКонтакте не сохранил файл: уменьшите его или сохраните в другом формате.':
    'VK did not save the file: make it smaller or save it in another format.',
  'В сообществе уже десять серверов Callback API: удалите лишний и подключите сообщество снова.':
    'The community has ten Callback API servers already: delete one and connect the community again.',
  'ВКонтакте не принял запрос: проверьте подключение и права ключа.':
    'VK did not accept the request: check the connection and the key’s rights.',
  'ВКонтакте не принял запрос: проверьте адрес API в настройках подключения.':
    'VK did not accept the request: check the API address in the connection’s settings.',
  'ВКонтакте не принимает такие файлы: упакуйте файл в архив или пришлите ссылку.':
    'VK takes no such files: pack the file into an archive or send a link.',
  'ВКонтакте не принял файл: уменьшите его или сохраните в другом формате.':
    'VK did not accept the file: make it smaller or save it in another format.',
  'Ключу сообщества не хватает прав на фотографии и документы: создайте ключ с ними или пришлите текст.':
    'The community’s key lacks the rights to photos and documents: make a key with them or send a text.',
  'У ключа сообщества нет права на сообщения: создайте ключ с ним и впишите его в подключение.':
    'The community’s key has no right to messages: make a key with it and enter it in the connection.',
  'Строка подтверждения другая: скопируйте её из раздела «Callback API» сообщества ещё раз.':
    'The confirmation string is another one: copy it from the section “Callback API” of the community again.',
  'Адрес во ВКонтакте записан неверно: попросите человека снова написать сообществу.':
    'The address in VK is wrong: ask the person to write to the community again.',
  'Комментарий на стене отсюда не изменить: сделайте это в сообществе.':
    'A comment on the wall cannot be changed from here: do it in the community.',
  'Этого сообщения во ВКонтакте больше нет: отправьте новое.': 'VK no longer has this message: send a new one.',
}
