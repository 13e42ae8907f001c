import type { Check } from '../notebook/doctor/check.ts';
import { settingsFrom } from '../notebook/settings.ts';
import { NOTEBOOK_OPTIONS } from './notebook-options.ts';
import type { Style } from './terminal.ts';
import { defineVerb } from './verb.ts';

export const doctor = defineVerb({
  usage: 'doctor [notebook]',
  summary: 'Check each layer between here and a notebook, and say what to mend',
  positionals: {
    notebook: {
      describe: 'a name, or a destination as start takes it',
      type: 'string',
      completes: 'destinations',
    },
  },
  options: NOTEBOOK_OPTIONS,
  examples: [
    ['$0 doctor gpu', 'exit status 1 when a layer is broken'],
    ['$0 doctor gpu -d rne -e virtual_environment', 'before the first start'],
    ['$0 doctor work --json', 'for scripts'],
  ],
  async run(args, terminal) {
    const { resolveNotebook } = await import('../notebook/resolve.ts');
    const { diagnose } = await import('../notebook/doctor/doctor.ts');
    const flags = { ...settingsFrom(args), name: args.name };
    const notebook = await resolveNotebook(args.notebook, flags, args.F, terminal.context);
    const tell = (check: Check) => {
      if (!args.json) for (const line of linesOf(check, terminal.style)) terminal.print(line);
    };
    const checks = await diagnose(notebook, terminal.context, tell);
    const healthy = checks.every(({ verdict }) => verdict !== 'failed');
    const { name, destination } = notebook;
    if (args.json) terminal.print(JSON.stringify({ name, destination, healthy, checks }, undefined, 2));
    return healthy ? 0 : 1;
  },
});

const WIDTH = 16;

function linesOf({ name, verdict, found, fix }: Check, style: Style): string[] {
  const signs = {
    ok: style.green('✓'),
    warning: style.yellow('!'),
    failed: style.red('✗'),
    unchecked: style.dim('-'),
  };
  const indent = ' '.repeat(WIDTH + 2);
  const texts = [
    ...found.split('\n'),
    ...(fix === undefined ? [] : fix.split('\n').map((line) => `→ ${line}`)),
  ];
  return texts.map((text, index) =>
    index === 0 ? `${signs[verdict]} ${name.padEnd(WIDTH)}${text}` : indent + text,
  );
}
