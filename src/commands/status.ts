import type { NotebookStatus } from '../notebook/notebook-status.ts';
import type { Terminal } from './terminal.ts';
import { CONFIG_FILE, defineVerb } from './verb.ts';

const SOMETHING_IS_DOWN = 3;
const WATCH_MS = 2000;

export const status = defineVerb({
  usage: 'status [notebook]',
  summary: 'What runs where, asked of the world and not of the memory',
  positionals: {
    notebook: { describe: 'name of a notebook; all without', type: 'string', completes: 'notebooks' },
  },
  options: {
    ...CONFIG_FILE,
    watch: {
      alias: 'w',
      type: 'boolean',
      default: false,
      describe: 'look again every two seconds, in place',
    },
    repair: {
      type: 'boolean',
      default: false,
      describe: 'first put what runs, and was lost from the records, back on record',
    },
  },
  examples: [
    ['$0 status', 'all notebooks; exit status 3 when something that should run does not'],
    ['$0 status gpu --json', 'for scripts'],
    ['$0 status --watch', 'until Ctrl-C'],
    ['$0 status --repair', 'after the state folder was lost or broken'],
  ],
  async run(args, terminal) {
    const { isHealthy } = await import('../notebook/status.ts');
    if (args.repair) await repair(terminal);
    if (args.watch && !args.json) return watchStatus(() => look(args, terminal), terminal);
    const notebooks = await look(args, terminal);
    if (args.json) terminal.print(JSON.stringify({ notebooks }, undefined, 2));
    else for (const line of await linesOf(notebooks, terminal)) terminal.print(line);
    return notebooks.every(isHealthy) ? 0 : SOMETHING_IS_DOWN;
  },
});

async function repair(terminal: Terminal): Promise<void> {
  const { repairRecords } = await import('../notebook/repair.ts');
  const found = await repairRecords(terminal.context);
  for (const { notebook } of found)
    terminal.say(`Found again: "${notebook.name}" on ${notebook.destination}.`);
  if (found.length === 0) terminal.say('No tunnel leads to anything that is not on record.');
}

interface Wanted {
  readonly notebook?: string | undefined;
  readonly F?: string | undefined;
}

/** The table of the notebooks that are wanted, all of them when none is named. */
export async function statusLines(wanted: Wanted, terminal: Terminal): Promise<string[]> {
  return linesOf(await look(wanted, terminal), terminal);
}

async function look({ notebook, F }: Wanted, { context }: Terminal): Promise<NotebookStatus[]> {
  const { statusOf } = await import('../notebook/status.ts');
  return statusOf(notebook, F, context);
}

async function linesOf(notebooks: readonly NotebookStatus[], { style }: Terminal): Promise<string[]> {
  if (notebooks.length === 0) return ['Nothing runs. Begin with: remote-notebook start user@host'];
  const { statusTable } = await import('./status-table.ts');
  return statusTable(notebooks, style, Date.now());
}

/** Draws the table again and again, over itself on a terminal; ends only by an interrupt, which is no failure. */
async function watchStatus(lookAgain: () => Promise<NotebookStatus[]>, terminal: Terminal): Promise<number> {
  const { setTimeout: pause } = await import('node:timers/promises');
  const { signal } = terminal.context;
  while (!signal.aborted) {
    try {
      terminal.redraw(await linesOf(await lookAgain(), terminal));
      await pause(WATCH_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return 0;
}
