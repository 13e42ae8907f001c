import { resolveServer } from '../config/resolve.ts';
import type { Check } from '../doctor/check.ts';
import { diagnose } from '../doctor/doctor.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr } from '../line/verb.ts';
import type { Style } from '../screen/terminal.ts';

export const doctor = defineVerb({
  usage: 'doctor [server]',
  summary: 'Check every step from here to a server, and suggest fixes',
  positionals: destinationOr(),
  options: SERVER_OPTIONS,
  examples: [
    ['$0 doctor gpu', 'exits with status 1 if a check fails'],
    ['$0 doctor gpu -d rne -e virtual_environment', 'check the settings before the first start'],
    ['$0 doctor work --json', 'print the checks as JSON'],
  ],
  async run(args, terminal) {
    const spec = await resolveServer(args.server, args, terminal.context);
    const checks = await diagnose(spec, terminal.context, (check) => {
      if (!args.json) terminal.print(...linesOf(check, terminal.style));
    });
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
  const fixes = fix?.split('\n').map((line) => `→ ${line}`) ?? [];
  const [first, ...others] = [...found.split('\n'), ...fixes];
  const indent = ' '.repeat(WIDTH + 2);
  return [`${signs[verdict]} ${name.padEnd(WIDTH)}${first}`, ...others.map((line) => indent + line)];
}
