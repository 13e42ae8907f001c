/** A command line as a value: the program and its arguments, not yet run. */
export type Command = readonly [program: string, ...args: string[]];

const PLAIN_WORD = /^[A-Za-z0-9_@+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** Quotes a word for any POSIX shell and fish; for tcsh, too, unless it contains a newline. */
export function shellQuote(word: string): string {
  return PLAIN_WORD.test(word) ? word : singleQuoted(word);
}

/** `word` in single quotes; backslashes (for fish) and `!` (for csh) are escaped outside of them. */
export function singleQuoted(word: string): string {
  return `'${word.replace(/['\\!]/g, (character) => `'\\${character}'`)}'`;
}

/** The command as a line to paste into a shell. */
export function commandLine(command: Command): string {
  return command.map(shellQuote).join(' ');
}
