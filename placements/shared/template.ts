/** An approved template as it is filled in by hand: its name, its language, its parameters in order. */
export interface Template {
  readonly name: string
  readonly language: string
  readonly parameters: readonly string[]
}

/** As many as the server takes. */
export const maxParameters = 20

export const templateTexts = {
  ru: {
    template: 'Одобренный шаблон',
    templateName: 'Имя шаблона',
    templateLanguage: 'Язык',
    templateParameters: 'Параметры по порядку',
    addParameter: 'Добавить параметр',
    removeParameter: 'Убрать параметр',
  },
  en: {
    template: 'Approved template',
    templateName: 'Template name',
    templateLanguage: 'Language',
    templateParameters: 'Parameters in order',
    addParameter: 'Add a parameter',
    removeParameter: 'Remove the parameter',
  },
}
