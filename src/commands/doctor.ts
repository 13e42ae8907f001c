import type { Check } from '../doctor/check.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr } from '../line/verb.ts';
import type { Style } from '../screen/terminal.ts';

export const doctor = defineVerb({
  usage: 'doctor [server]',
  summary: 'Check every step from here to a server, and suggest fixes',
  positionals: destinationOr('a name, or a destination as start takes it'),
  options: SERVER_OPTIONS,
  examples: [
    ['$0 doctor gpu', 'exit status 1 when a layer is broken'],
    ['$0 doctor gpu -d rne -e virtual_environment', 'before the first start'],
    ['$0 doctor work --json', 'for scripts'],
  ],
  async run(args, terminal) {
    const { resolveServer } = await import('../config/resolve.ts');
    const { diagnose } = await import('../doctor/doctor.ts');
    const spec = await resolveServer(args.server, args, terminal.context);
    const tell = (check: Check) => {
      if (!args.json) terminal.print(...linesOf(check, terminal.style));
    };
    const checks = await diagnose(spec, terminal.context, tell);
    const healthy = checks.every(({ verdict }) => verdict !== 'failed');
    const { name, destination } = spec;
    await terminal.result({ name, destination, healthy, checks });
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
