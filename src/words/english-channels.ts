/** What all channels say, and the site chat and e-mail. */
export const channelWords: Readonly<Record<string, string>> = {
  'Адрес начинается с {protocol}s:// (или {protocol}:// - тогда шифрование включается командой STARTTLS) и содержит сервер и порт.':
    'The address starts with {protocol}s:// (or {protocol}://, then STARTTLS switches encryption on) and holds a server and a port.',
  'Впишите адрес, с которого пишет клиника, например reception@clinic.ru.':
    'Enter the address that the clinic writes from, for example reception@clinic.ru.',
  'Имя отправителя: одна строка до 100 знаков.': 'Sender’s name: one line of up to 100 characters.',
  'Впишите пароль почты; у Яндекса, Mail.ru и Google - пароль приложения.':
    'Enter the mailbox password; Yandex, Mail.ru and Google need an application password.',
  'Логин почты: одна строка.': 'Mailbox login: one line.',
  'Впишите сервер исходящей почты, например smtps://smtp.yandex.ru:465.':
    'Enter the outgoing mail server, for example smtps://smtp.yandex.ru:465.',
  'Впишите сервер входящей почты, например imaps://imap.yandex.ru:993.':
    'Enter the incoming mail server, for example imaps://imap.yandex.ru:993.',
  'Тема: одна строка до 150 знаков.': 'Subject: one line of up to 150 characters.',
  'Папка: одна строка.': 'Folder: one line.',
  'Адрес для возвратов содержит звёздочку: bounce+*@clinic.ru.': 'The return address holds an asterisk: bounce+*@clinic.ru.',
  'Почтовый сервер не принял логин или пароль: исправьте их в настройках подключения; у крупных почтовых служб нужен пароль приложения.':
    'The mail server did not accept the login or the password: correct them in the connection’s settings; large mail services need an application password.',
  'Почтовый сервер не разрешает писать с этого адреса: проверьте адрес клиники и логин в настройках подключения.':
    'The mail server does not let you write from this address: check the clinic’s address and the login in the connection’s settings.',
  'Такого почтового адреса нет: исправьте его в карточке или позвоните человеку.':
    'There is no such e-mail address: correct it in the card or call the person.',
  'Почтовый ящик пациента переполнен: попробуйте позже или другой мессенджер.':
    'The patient’s mailbox is full: try again later or use another messenger.',
  'Почтовый сервер не пропустил письмо: измените текст или уменьшите вложение.':
    'The mail server did not let the letter through: change the text or make the attachment smaller.',
  'Почтовый сервер просит подождать: письмо уйдёт позже.': 'The mail server asks to wait: the letter will leave later.',
  'Нет связи с почтовым сервером: проверьте его адрес, порт и прокси в настройках подключения и доступ сервера к ним.':
    'The mail server cannot be reached: check its address, port and proxy in the connection’s settings and whether this server may reach them.',
  'Почтовый сервер не ответил: подождите минуту и проверьте подключение ещё раз.':
    'The mail server did not answer: wait a minute and check the connection again.',
  'Сертификат почтового сервера не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».':
    'The mail server’s certificate was not accepted: paste its root certificate into the connection’s settings, section “Advanced”.',
  'Почтовый сервер не включает шифрование: укажите адрес с smtps:// или imaps://.':
    'The mail server does not switch encryption on: enter an address with smtps:// or imaps://.',
  'Такой папки в почте нет: исправьте её имя в настройках подключения.':
    'The mailbox has no such folder: correct its name in the connection’s settings.',
  'Сертификат сервера мессенджера не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».':
    'The certificate of the messenger’s server was not accepted: paste its root certificate into the connection’s settings, section “Advanced”.',
  'Сервер мессенджера не ответил: подождите минуту и проверьте подключение ещё раз.':
    'The messenger’s server did not answer: wait a minute and check the connection again.',
  'Нет связи с сервером мессенджера: проверьте его адрес и прокси в настройках подключения и доступ сервера в интернет.':
    'The messenger’s server cannot be reached: check its address and proxy in the connection’s settings and this server’s access to the internet.',
  'Файл сейчас не скачать: откройте его ещё раз через несколько минут.':
    'The file cannot be downloaded right now: open it again in a few minutes.',
  'Файл больше {size} МБ: попросите прислать его частями или ссылкой.':
    'The file is larger than {size} MB: ask to send it in parts or as a link.',
  'Файла больше нет в мессенджере: попросите прислать его ещё раз.': 'The messenger no longer has the file: ask to send it again.',
  'Вставьте сюда текст файла .pem или .crt целиком: от строки BEGIN CERTIFICATE до строки END CERTIFICATE.':
    'Paste the whole text of the .pem or .crt file here: from the BEGIN CERTIFICATE line to the END CERTIFICATE line.',
  'Здесь закрытый ключ: уберите его и вставьте только сертификат.':
    'This holds a private key: take it out and paste the certificate alone.',
  'Здесь больше {count} сертификатов: оставьте только корневой.': 'There are more than {count} certificates here: leave the root one only.',
  'Адрес прокси должен начинаться с http:// или https://.': 'The proxy’s address must start with http:// or https://.',
  'Исправьте отмеченные поля подключения и сохраните ещё раз.': 'Correct the marked fields of the connection and save again.',
  'По этому каналу файлы не отправить: пришлите текст или выберите другой мессенджер.':
    'This channel sends no files: send a text or choose another messenger.',
  'Файл пуст: проверьте его и прикрепите ещё раз.': 'The file is empty: check it and attach it again.',
  'Файл больше {size} МБ: уменьшите его или пришлите ссылку.': 'The file is larger than {size} MB: make it smaller or send a link.',
  'К такому файлу подпись не добавить: отправьте текст отдельным сообщением.':
    'Such a file takes no caption: send the text as a separate message.',
  'Подпись к файлу длиннее {count} символов: отправьте текст отдельным сообщением.':
    'The caption is longer than {count} characters: send the text as a separate message.',
  'Текст сообщения пуст: впишите его и отправьте ещё раз.': 'The message has no text: enter it and send again.',
  'Текст длиннее {count} символов: сократите его или разделите на части.':
    'The text is longer than {count} characters: shorten it or split it into parts.',
  'Кнопок больше {count}: уберите лишние из сообщения.': 'There are more than {count} buttons: take the extra ones out of the message.',
  'Данные кнопки длиннее {count} байт: сократите их.': 'The button’s data are longer than {count} bytes: shorten them.',
  'Надпись кнопки длиннее {count} символов: сократите её.': 'The button’s title is longer than {count} characters: shorten it.',
  'Чат сайта не принял подпись приложения: откройте подключение и сохраните его ещё раз.':
    'The site chat did not accept the application’s signature: open the connection and save it again.',
  'Этого посетителя или сообщения в чате сайта больше нет: свяжитесь с человеком другим способом.':
    'This visitor or message is no longer in the site chat: contact the person another way.',
  'Чат сайта не принял содержание сообщения: сократите текст или уменьшите файл.':
    'The site chat did not accept the message: shorten the text or make the file smaller.',
  'Чат сайта просит отправлять реже: дождитесь снижения нагрузки.': 'The site chat asks to send less often: wait until the load falls.',
  'Чат сайта не ответил как положено: проверьте адрес приложения в настройках подключения.':
    'The site chat did not answer as it should: check the application’s address in the connection’s settings.',
  'Чат сайта временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'The site chat is unavailable for now: check the connection again in a few minutes.',
  'Ответ чата сайта не удалось прочитать: проверьте адрес приложения в настройках подключения.':
    'The site chat’s answer could not be read: check the application’s address in the connection’s settings.',
  'Впишите адреса сайта через запятую, например https://clinic.ru, https://www.clinic.ru.':
    'Enter the addresses of the site separated by commas, for example https://clinic.ru, https://www.clinic.ru.',
  'Впишите ссылку на политику обработки персональных данных, она начинается с https://.':
    'Enter the link to the personal data policy; it starts with https://.',
  'Придумайте секретную фразу не короче 20 знаков: ею подписывается связь чата с приложением.':
    'Think of a secret phrase of at least 20 characters: it signs what the chat and the application tell each other.',
  'Сделайте секретную фразу длиннее: не меньше 20 знаков.': 'Make the secret phrase longer: at least 20 characters.',
  'Сделайте секретную фразу короче: не больше 500 знаков.': 'Make the secret phrase shorter: at most 500 characters.',
  'Сократите приветствие до 500 знаков.': 'Shorten the greeting to 500 characters.',
  'Сократите текст согласия до 2000 знаков.': 'Shorten the consent text to 2000 characters.',
  'Цвет записывается как # и шесть цифр или букв от a до f, например #0b7a75.':
    'A colour is written as # and six digits or letters from a to f, for example #0b7a75.',
  'Впишите «да» или «нет».': 'Write “yes” or “no”.',
  'Адрес приложения должен начинаться с https:// или http://.': 'The application’s address must start with https:// or http://.',
  'Такая секретная фраза уже есть у другого подключения: придумайте новую.':
    'Another connection has this secret phrase already: think of a new one.',
  'Такого посетителя или сообщения в чате сайта нет: свяжитесь с человеком другим способом.':
    'There is no such visitor or message in the site chat: contact the person another way.',
  'Этого сообщения в чате сайта больше нет: отправьте новое.': 'This message is no longer in the site chat: send a new one.',
}

/** Texts that stand where others' words do - a patient's message, a route's name, a vendor's fact: the only ones that are looked for there. */
export const standIns: Readonly<Record<string, string>> = {
  'Маршрут не настроен': 'No route is set up',
  'Пришло сообщение, которое здесь нельзя показать: попросите прислать его текстом, фото или файлом.':
    'A message came that cannot be shown here: ask to send it as a text, a photo or a file.',
  'не включён': 'off',
  'включён': 'on',
  'Пропущенный звонок в WhatsApp: перезвоните.': 'A missed call in WhatsApp: call back.',
  'Пропущенный звонок: перезвоните.': 'A missed call: call back.',
}
