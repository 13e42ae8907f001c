import type { NotebookStatus } from '../notebook/status.ts';
import type { Style, Terminal } from './terminal.ts';
import { CONFIG_FILE, defineVerb } from './verb.ts';

const SOMETHING_IS_DOWN = 3;

export const status = defineVerb({
  usage: 'status [notebook]',
  summary: 'What runs where, asked of the world and not of the memory',
  positionals: { notebook: { describe: 'name of a notebook; all without', type: 'string' } },
  options: { ...CONFIG_FILE },
  examples: [
    ['$0 status', 'all notebooks; exit status 3 when something that should run does not'],
    ['$0 status gpu --json', 'for scripts'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const { isHealthy, notebookStatus } = await import('../notebook/status.ts');
    const records = await wantedRecords(args.notebook, args.F, terminal);
    const notebooks = await Promise.all(records.map((record) => notebookStatus(record, context)));
    if (args.json) terminal.print(JSON.stringify({ notebooks }, undefined, 2));
    else if (notebooks.length === 0)
      terminal.say('Nothing runs. Begin with: remote-notebook start user@host');
    else for (const line of table(notebooks, terminal.style)) terminal.print(line);
    return notebooks.every(isHealthy) ? 0 : SOMETHING_IS_DOWN;
  },
});

async function wantedRecords(
  name: string | undefined,
  configFile: string | undefined,
  { context }: Terminal,
) {
  if (name === undefined) {
    const { readRecords } = await import('../notebook/state.ts');
    return Object.values(readRecords(context));
  }
  const { knownNotebook } = await import('../notebook/resolve.ts');
  const { record } = await knownNotebook(name, configFile, context);
  return record ? [record] : [];
}

const COLUMNS = ['NAME', 'SERVER', 'TUNNEL', 'URL', 'HOST', 'DIRECTORY'] as const;

/** Columns as wide as their widest entry; colours come after the measuring. */
function table(notebooks: readonly NotebookStatus[], style: Style): string[] {
  const rows = notebooks.map((status) => [
    status.name,
    status.server.state,
    status.tunnel.state,
    status.url ?? '-',
    status.destination,
    status.directory || '~',
  ]);
  const widths = COLUMNS.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[], paint: (cell: string, column: number) => string) =>
    row
      .map((cell, column) => paint(cell.padEnd(widths[column] ?? 0), column))
      .join('  ')
      .trimEnd();
  const paintState = (cell: string, column: number) =>
    column === 1 || column === 2 ? stateColour(cell, style) : cell;
  const reasons = notebooks
    .filter(({ tunnel }) => tunnel.reason && tunnel.state !== 'closed')
    .map(({ name, tunnel }) => style.dim(`  ${name}: ${tunnel.reason}`));
  return [line(COLUMNS, (cell) => style.bold(cell)), ...rows.map((row) => line(row, paintState)), ...reasons];
}

function stateColour(cell: string, style: Style): string {
  if (/^(running|connected)/.test(cell)) return style.green(cell);
  return /^(stopped|failed|needs-login)/.test(cell) ? style.red(cell) : style.yellow(cell);
}
