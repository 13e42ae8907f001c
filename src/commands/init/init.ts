import { SERVER_OPTIONS } from '../../line/server-options.ts';
import { defineVerb, destinationOr, flag } from '../../line/verb.ts';
import { UsageError } from '../../system/errors.ts';
import { BROWSER, INSTALL, requestedInstall, TIMEOUT, verifyTimeout } from '../start-options.ts';

export const init = defineVerb({
  usage: 'init [server]',
  summary: 'Set up a server: answer a few questions, test it, save it',
  positionals: destinationOr(
    'an ssh destination: an alias, user@host or ssh://user@host:port (default: ask for it)',
  ),
  options: {
    ...SERVER_OPTIONS,
    ...BROWSER,
    ...TIMEOUT,
    ...INSTALL,
    yes: flag('ask no questions and accept the defaults', 'y'),
  },
  examples: [
    ['$0 init', 'ask for every setting; each question has a default'],
    ['$0 init gpu -d rne -e .venv', 'ask for the other settings'],
    ['$0 init gpu -d rne --yes', 'ask nothing'],
  ],
  async run(args, terminal) {
    const timeoutMs = verifyTimeout(args.timeout);
    if (!args.yes && (args.json || !terminal.canAsk)) {
      const why = args.json ? '--json does not allow them' : 'there is no terminal';
      throw new UsageError(`init asks questions, and ${why}`, {
        remedy:
          'If you already know the answers, pass them as options: remote-notebook init user@host --directory DIR --environment VENV --name NAME --yes',
      });
    }
    const { setUp } = await import('./set-up.ts');
    const install = requestedInstall(args, { environment: args.environment ?? '' });
    return setUp(args, { timeoutMs, install }, terminal);
  },
});
