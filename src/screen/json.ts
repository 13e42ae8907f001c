import { CONTROLS } from '../system/one-line.ts';

/** The document of --json. Its escapes keep every name exact, and harmless on a terminal. */
export function jsonDocument(value: object): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, undefined, 2).replace(UNESCAPED, escaped);
}

/** The control characters that JSON.stringify leaves as they are. */
const UNESCAPED = new RegExp(`(?!\\n)[${CONTROLS}]`, 'gu');
