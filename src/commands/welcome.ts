import type { Terminal } from '../screen/terminal.ts';
import { statusLines } from './status.ts';

const FIRST_STEPS = [
  ['init', 'the first time: asks where, tries it, writes it down'],
  ['start user@host', 'Jupyter on that host, open in your browser here'],
  ['start user@host -d DIR -e VENV', 'in a directory of it, with its venv'],
  ['status', 'what runs where'],
  ['stop', 'end it'],
  ['--help', 'all the rest; each VERB --help has examples'],
] as const;

/** What the program says to who names no verb: how to begin, and what runs. */
export async function welcome(terminal: Terminal): Promise<number> {
  const { print, style, context } = terminal;
  const { startedServers } = await import('../config/names.ts');
  print('Jupyter on any machine that you can ssh to, as if it were local.\n');
  const width = Math.max(...FIRST_STEPS.map(([words]) => words.length));
  for (const [words, does] of FIRST_STEPS)
    print(`  remote-notebook ${words.padEnd(width)}  ${style.dim(does)}`);
  if (startedServers(context.env).length > 0) print('', ...(await statusLines({}, terminal)));
  return 0;
}
