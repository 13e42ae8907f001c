/** A command line as a value: the program and its arguments, not yet run. */
export type Command = readonly [program: string, ...args: string[]];

const PLAIN_WORD = /^[A-Za-z0-9_@+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** A word that any POSIX shell, and fish, reads back as `word`. tcsh too, unless it holds a newline. */
export function shellQuote(word: string): string {
  return PLAIN_WORD.test(word) ? word : singleQuoted(word);
}

/**
 * `word` in single quotes. Inside them fish (unlike POSIX) treats a backslash as an escape, and csh expands
 * `!`: both characters stand outside of the quotes, behind a backslash, which every shell reads alike.
 */
export function singleQuoted(word: string): string {
  return `'${word.replace(/['\\!]/g, (character) => `'\\${character}'`)}'`;
}

/** The command as a line that can be pasted into a shell. */
export function commandLine(command: Command): string {
  return command.map(shellQuote).join(' ');
}
