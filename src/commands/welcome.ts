import { startedServers } from '../config/names.ts';
import { openRunNames } from '../runs/runs.ts';
import type { Terminal } from '../screen/terminal.ts';
import { statusLines } from './status.ts';

const FIRST_STEPS = [
  ['init', 'set up a server: asks for everything, tests it, saves it'],
  ['start user@host', 'start Jupyter on that host and open it here'],
  ['start user@host -d DIR -e VENV', 'the same in a directory, with its virtual environment'],
  ['status', 'show what is running and where'],
  ['stop', 'stop it'],
  ['--help', 'list all verbs; VERB --help has examples'],
] as const;

/** Shows how to begin, and what is running: the output of the command without arguments. */
export async function welcome(terminal: Terminal): Promise<number> {
  const { print, style, context } = terminal;
  print('Jupyter on any machine that you can ssh to, as if it were local.\n');
  const width = Math.max(...FIRST_STEPS.map(([command]) => command.length));
  for (const [command, does] of FIRST_STEPS)
    print(`  remote-notebook ${command.padEnd(width)}  ${style.dim(does)}`);
  if (startedServers(context.env).length > 0 || openRunNames(context).length > 0)
    print('', ...(await statusLines({}, terminal)));
  return 0;
}
