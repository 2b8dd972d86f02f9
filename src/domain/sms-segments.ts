/** GSM 03.38 basic alphabet: one septet each. @see https://www.3gpp.org/dynareport/23038.htm */
const basic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
/** Its extension: an escape and a septet. */
const extended = new Set('^{}\\[~]|€\f')

/**
 * How many priced parts an SMS of this text takes: 160 septets in one part or 153 in each of several; 70 and 67 UTF-16 code units
 * when any character is outside GSM 03.38, as every Cyrillic letter is.
 */
export const countSegments = (text: string): number => {
  let septets = 0
  for (const character of text) {
    if (basic.has(character)) septets += 1
    else if (extended.has(character)) septets += 2
    else return parts(text.length, 70, 67)
  }
  return parts(septets, 160, 153)
}

const parts = (length: number, single: number, each: number): number => (length <= single ? 1 : Math.ceil(length / each))
