/** Languages that the application speaks. */
export type Language = 'ru' | 'en'
