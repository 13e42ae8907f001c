/**
 * The characters that control a terminal or the order of the text on it, as the inside of a class in a regular
 * expression: control characters, the bidirectional controls of Unicode (UAX #9), which make a name look like another
 * one, and its two line separators.
 */
export const CONTROLS = '\\p{Cc}\\p{Bidi_Control}\\u2028\\u2029';

const ALL_CONTROLS = new RegExp(`[${CONTROLS}]`, 'gu');

/** A name of a file, a host or a user as part of a line for people: it cannot end the line or change what follows. */
export function oneLine(name: string): string {
  return name.replace(ALL_CONTROLS, '\ufffd');
}
