import { resolveServer } from '../config/resolve.ts';
import { checkLines, SIGNS } from '../doctor/check.ts';
import { diagnose } from '../doctor/doctor.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr } from '../line/verb.ts';

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
    const { green, yellow, red, dim } = terminal.style;
    const signs = {
      ok: green(SIGNS.ok),
      warning: yellow(SIGNS.warning),
      failed: red(SIGNS.failed),
      unchecked: dim(SIGNS.unchecked),
    };
    const checks = await diagnose(spec, terminal.context, (check) => {
      if (!args.json) terminal.print(...checkLines(check, signs));
    });
    const healthy = checks.every(({ verdict }) => verdict !== 'failed');
    const { name, destination } = spec;
    await terminal.result({ name, destination, healthy, checks });
    return healthy ? 0 : 1;
  },
});
