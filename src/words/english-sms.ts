/** What the channels of SMS say: SMPP, SMSC.ru, SMS.ru. */
export const smsWords: Readonly<Record<string, string>> = {
  'Впишите адрес оператора, например smpp://smpp.example.ru:2775.':
    'Enter the operator’s address, for example smpp://smpp.example.ru:2775.',
  'Адрес начинается с smpp:// или, с шифрованием, с smpps:// и содержит сервер и порт.':
    'The address starts with smpp:// or, encrypted, with smpps:// and holds a server and a port.',
  'Впишите логин (system_id) из договора с оператором.': 'Enter the login (system_id) from the contract with the operator.',
  'Логин (system_id) не длиннее 15 знаков: скопируйте его из договора.':
    'The login (system_id) has 15 characters at most: copy it from the contract.',
  'Впишите пароль из договора с оператором.': 'Enter the password from the contract with the operator.',
  'Пароль слишком длинный: скопируйте его из договора.': 'The password is too long: copy it from the contract.',
  'Впишите имя отправителя, как оно согласовано с оператором.': 'Enter the sender’s name as it was agreed with the operator.',
  'Имя отправителя: до 11 латинских букв и цифр или номер цифрами.':
    'Sender’s name: up to 11 Latin letters and digits, or a number in digits.',
  'Тип системы не длиннее 12 знаков.': 'The system type has 12 characters at most.',
  'TON - число от 0 до 6.': 'TON is a number from 0 to 6.',
  'NPI - число от 0 до 18.': 'NPI is a number from 0 to 18.',
  'Длинные сообщения: udh, sar или payload.': 'Long messages: udh, sar or payload.',
  'Запись номеров сообщений: auto, hex или decimal.': 'Notation of message ids: auto, hex or decimal.',
  'Алфавит: gsm или latin1.': 'Alphabet: gsm or latin1.',
  'Окно - число от 1 до 100.': 'The window is a number from 1 to 100.',
  'Проверка связи - число секунд от 1 до 600.': 'The link check is a number of seconds from 1 to 600.',
  'Оператор не принял длину сообщения: сократите текст.': 'The operator did not accept the message’s length: shorten the text.',
  'Оператор не принял сообщение в этом состоянии связи: попробуйте ещё раз.':
    'The operator did not accept the message in this state of the link: try again.',
  'Оператор ещё держит прежнее подключение: подождите минуту.': 'The operator still holds the previous connection: wait a minute.',
  'У оператора системная ошибка: подождите несколько минут.': 'The operator has a system error: wait a few minutes.',
  'Оператор не принял имя отправителя: проверьте его и тип номера (TON, NPI) в настройках подключения.':
    'The operator did not accept the sender’s name: check it and its number type (TON, NPI) in the connection’s settings.',
  'Номер телефона записан неверно: исправьте его в карточке.': 'The phone number is wrong: correct it in the card.',
  'Оператор не подключает: проверьте логин, тип системы и разрешённый адрес сервера в договоре.':
    'The operator does not connect: check the login, the system type and the server’s allowed address in the contract.',
  'Оператор не принял пароль: исправьте его в настройках подключения.':
    'The operator did not accept the password: correct it in the connection’s settings.',
  'Оператор не знает такого логина (system_id): исправьте его в настройках подключения.':
    'The operator does not know this login (system_id): correct it in the connection’s settings.',
  'Очередь у оператора переполнена: подождите минуту.': 'The operator’s queue is full: wait a minute.',
  'Оператор не смог принять сообщение: попробуйте ещё раз.': 'The operator could not take the message: try again.',
  'Превышена скорость отправки по договору с оператором: сообщения подождут.':
    'The rate of the contract with the operator is exceeded: messages wait.',
  'Оператор не принял срок доставки: проверьте часы сервера.': 'The operator did not accept the delivery period: check the server’s clock.',
  'Оператор временно не принимает сообщения: подождите минуту.': 'The operator takes no messages for now: wait a minute.',
  'Оператор не доставит сообщение на этот номер: позвоните человеку.':
    'The operator will not deliver the message to this number: call the person.',
  'Оператор не пропускает этот текст: согласуйте шаблон.': 'The operator does not let this text through: have its template approved.',
  'Оператор не принял запрос: уточните у него причину по коду ошибки.':
    'The operator did not accept the request: ask the operator for the reason by the error code.',
  'Нет связи с оператором: проверьте адрес, порт и прокси в настройках подключения и доступ сервера к ним.':
    'The operator cannot be reached: check the address, port and proxy in the connection’s settings and whether this server may reach them.',
  'Сертификат оператора не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».':
    'The operator’s certificate was not accepted: paste its root certificate into the connection’s settings, section “Advanced”.',
  'Оператор не ответил: подождите минуту и проверьте подключение ещё раз.':
    'The operator did not answer: wait a minute and check the connection again.',
  'Имя отправителя: до 11 латинских букв и цифр, как оно согласовано с SMSC.ru.':
    'Sender’s name: up to 11 Latin letters and digits as agreed with SMSC.ru.',
  'Порог баланса - число, например 500.': 'The balance threshold is a number, for example 500.',
  'Адрес SMSC.ru должен начинаться с https://.': 'The SMSC.ru address must start with https://.',
  'Придумайте секретное слово и впишите его здесь и в кабинете SMSC.ru: им подписаны отчёты о доставке.':
    'Think of a secret word and enter it here and in your SMSC.ru account: it signs delivery reports.',
  'Впишите ключ API или логин с паролем SMSC.ru.': 'Enter the API key or the login and password of SMSC.ru.',
  'Впишите логин SMSC.ru.': 'Enter the SMSC.ru login.',
  'Впишите пароль SMSC.ru.': 'Enter the SMSC.ru password.',
  'SMSC.ru не понял запрос: проверьте текст и имя отправителя.':
    'SMSC.ru did not understand the request: check the text and the sender’s name.',
  'SMSC.ru не принял ключ или пароль, или адрес сервера не разрешён в кабинете: исправьте их в подключении.':
    'SMSC.ru did not accept the key or the password, or the server’s address is not allowed in your account: correct them in the connection.',
  'На счёте SMSC.ru нет денег: пополните его.': 'The SMSC.ru account has no money: top it up.',
  'SMSC.ru временно закрыл доступ с адреса сервера: проверьте пароль и подождите час.':
    'SMSC.ru has closed access from the server’s address for now: check the password and wait an hour.',
  'SMSC.ru не принял дату отправки: проверьте часы сервера.': 'SMSC.ru did not accept the date of sending: check the server’s clock.',
  'SMSC.ru или оператор не пропускает этот текст или имя отправителя: согласуйте шаблон и имя в кабинете.':
    'SMSC.ru or the operator does not let this text or sender’s name through: have the template and the name approved in your account.',
  'На этот номер SMS не отправить: позвоните человеку.': 'This number takes no SMS: call the person.',
  'SMSC.ru уже получил такой запрос или их слишком много сразу: подождите минуту.':
    'SMSC.ru has got this request already or there are too many at once: wait a minute.',
  'SMSC.ru не принял запрос: проверьте подключение в кабинете.':
    'SMSC.ru did not accept the request: check the connection in your account.',
  'SMSC.ru не принял запрос: проверьте его адрес в настройках подключения.':
    'SMSC.ru did not accept the request: check its address in the connection’s settings.',
  'SMSC.ru временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'SMSC.ru is unavailable for now: check the connection again in a few minutes.',
  'Впишите api_id из кабинета SMS.ru.': 'Enter the api_id from your SMS.ru account.',
  'api_id выглядит так: 8 групп латинских букв и цифр через дефис; скопируйте его из кабинета SMS.ru целиком.':
    'An api_id looks like this: 8 groups of Latin letters and digits joined by hyphens; copy the whole of it from your SMS.ru account.',
  'Имя отправителя: до 11 латинских букв и цифр, как оно согласовано с SMS.ru.':
    'Sender’s name: up to 11 Latin letters and digits as agreed with SMS.ru.',
  'Номер партнёра SMS.ru - только цифры.': 'The SMS.ru partner number is digits only.',
  'Проверочный режим: 1 - сообщения не уходят и не оплачиваются, 0 - уходят.':
    'Test mode: 1 - messages neither leave nor cost, 0 - they leave.',
  'Адрес SMS.ru должен начинаться с https://.': 'The SMS.ru address must start with https://.',
  'SMS.ru не принял api_id: скопируйте его в кабинете заново и впишите в подключение.':
    'SMS.ru did not accept the api_id: copy it in your account again and enter it in the connection.',
  'SMS.ru не понял запрос: проверьте текст и имя отправителя.':
    'SMS.ru did not understand the request: check the text and the sender’s name.',
  'SMS.ru уже отправлял этот текст на этот номер: измените текст или снимите ограничение в кабинете.':
    'SMS.ru has sent this text to this number already: change the text or lift the limit in your account.',
  'На счёте SMS.ru нет денег: пополните его.': 'The SMS.ru account has no money: top it up.',
  'Номер телефона записан неверно, или SMS на него не отправить: исправьте его в карточке.':
    'The phone number is wrong or takes no SMS: correct it in the card.',
  'SMS.ru не получил текста: впишите его и отправьте ещё раз.': 'SMS.ru got no text: enter it and send again.',
  'Имя отправителя не согласовано с SMS.ru: согласуйте его в кабинете или уберите из подключения.':
    'The sender’s name is not approved by SMS.ru: have it approved in your account or take it out of the connection.',
  'Текст длиннее восьми SMS: сократите его.': 'The text is longer than eight SMS: shorten it.',
  'Дневной лимит SMS.ru исчерпан или будет превышен: увеличьте его в кабинете.':
    'The daily limit of SMS.ru is used up or would be exceeded: raise it in your account.',
  'На этот номер SMS.ru не отправляет: позвоните человеку.': 'SMS.ru does not send to this number: call the person.',
  'SMS.ru не принял время отправки: проверьте часы сервера.': 'SMS.ru did not accept the time of sending: check the server’s clock.',
  'Номер в стоп-листе кабинета SMS.ru: уберите его оттуда, если человек снова согласен на SMS.':
    'The number is on the stop list of your SMS.ru account: take it off if the person agrees to SMS again.',
  'SMS.ru не знает такого метода: проверьте его адрес в настройках подключения.':
    'SMS.ru does not know this method: check its address in the connection’s settings.',
  'Этот номер - за границей, а отправка туда в кабинете SMS.ru закрыта: откройте её или позвоните человеку.':
    'This number is abroad, and sending there is closed in your SMS.ru account: open it or call the person.',
  'SMS.ru временно недоступен: проверьте подключение ещё раз через несколько минут.':
    'SMS.ru is unavailable for now: check the connection again in a few minutes.',
  'На этот номер сегодня отправлено больше SMS, чем разрешено в кабинете SMS.ru: увеличьте лимит или позвоните.':
    'More SMS were sent to this number today than your SMS.ru account allows: raise the limit or call.',
  'SMS.ru принял отправку за перебор номеров: проверьте ограничения в кабинете.':
    'SMS.ru took the sending for a trying out of numbers: check the limits in your account.',
  'Счёт SMS.ru не подтверждён: введите код из SMS в кабинете.':
    'The SMS.ru account is not confirmed: enter the code from the SMS in your account.',
  'SMS.ru временно закрыл вход: подождите час и проверьте подключение.':
    'SMS.ru has closed the sign-in for now: wait an hour and check the connection.',
  'SMS.ru не принял адрес для отчётов: сервер должен быть доступен из интернета по https.':
    'SMS.ru did not accept the address for reports: the server must be reachable from the internet by https.',
  'SMS.ru не знает адреса для отчётов: подключите SMS.ru заново.': 'SMS.ru does not know the address for reports: connect SMS.ru again.',
  'SMS.ru не принял запрос: проверьте подключение в кабинете.': 'SMS.ru did not accept the request: check the connection in your account.',
  'SMS.ru не принял запрос: проверьте его адрес в настройках подключения.':
    'SMS.ru did not accept the request: check its address in the connection’s settings.',
}
