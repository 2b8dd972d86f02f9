import { type Localized } from '../channel.ts'

/** A bot belongs to an organisation and is looked over before it works: whoever opens the form should know how long that takes (A5). */
export const guide: readonly Localized[] = [
  {
    ru: 'Войдите на business.max.ru под учётной записью руководителя или его доверенного лица и подтвердите организацию: юридическое лицо, ИП или самозанятый из России. Это занимает 1-2 часа.',
    en: 'Sign in at business.max.ru as the head of the organisation or their deputy and have it confirmed: a Russian legal entity, sole trader or self-employed person. This takes 1-2 hours.',
  },
  {
    ru: 'Создайте чат-бота, заполните имя, описание и картинку и отправьте его на проверку. Проверка занимает до 48 часов; до её конца бот не отвечает пациентам.',
    en: 'Create a chat bot, fill in its name, description and picture and send it to moderation. That takes up to 48 hours; until then the bot does not answer patients.',
  },
  {
    ru: 'Когда бот одобрен, откройте «Чат-боты» - «Настройки», скопируйте токен и вставьте его в форму ниже.',
    en: 'When the bot is approved, open "Chat bots" - "Settings", copy the token and paste it into the form below.',
  },
  {
    ru: 'Если при сохранении появится сообщение о сертификате, вставьте в «Дополнительно» корневой сертификат с gosuslugi.ru/crt.',
    en: 'If saving complains of a certificate, paste the root certificate from gosuslugi.ru/crt under "Advanced".',
  },
]
