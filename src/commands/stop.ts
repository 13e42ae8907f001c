import { plainVictims, remoteUser, stopPlain } from '../article/article.ts';
import { plainStopCommand } from '../article/commands.ts';
import { ownServer } from '../article/store.ts';
import { type KnownServer, knownServer } from '../config/resolve.ts';
import { disconnectServer, forgetServer, stopServer } from '../lifecycle/stop.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER, verifyAlone, YES } from '../line/verb.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { mayEnd } from './busy.ts';
import { OUTCOMES, stopAll } from './stop-all.ts';

export const stop = defineVerb({
  usage: 'stop [server]',
  summary: 'Stop exactly this server, then close its tunnel',
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    ...YES,
    'keep-server': flag('close only the tunnel; the server keeps running'),
    all: flag('stop all servers started from this machine; asks once'),
    plain: flag(
      'run the last of the three commands of the article instead, which ends every Jupyter process of your user (see docs/article.md)',
    ),
    'dry-run': flag('with --plain: print the command without running it'),
  },
  examples: [
    ['$0 stop', 'stop the only server; asks first if a kernel is running code'],
    ['$0 stop --all', 'stop all servers started from this machine'],
    ['$0 stop gpu --plain --dry-run', 'print the last of the three commands of the article'],
    ['$0 stop gpu --keep-server', 'disconnect from the server; start connects to it again'],
  ],
  async run(args, terminal) {
    const { context, show, style } = terminal;
    // The commands of any other stop depend on the answers of the server and its host.
    if (args.dryRun && !args.plain)
      throw new UsageError('stop --dry-run works only with --plain', {
        remedy: 'Add --plain, or use --verbose to see the commands of any other stop as they run.',
      });
    if (args.all) {
      verifyAlone('--all', [args.keepServer && '--keep-server', args.plain && '--plain', args.server]);
      return stopAll(args.yes, terminal);
    }
    if (args.plain)
      return stopPlainly(await knownServer(args.server, args.sshConfig, context), args, terminal);
    const { spec } = await ownServer(args.server, args.sshConfig, context);
    const name = style.bold(spec.name);
    if (args.keepServer) {
      await disconnectServer(spec, context);
      show(`${name}: the tunnel is closed; the server is still running.`);
      show(`Reconnect with: remote-notebook start ${spec.name}`);
      await terminal.result({ name: spec.name, outcome: 'kept' });
      return 0;
    }
    const outcome = await stopServer(spec, args.yes ? undefined : mayEnd(terminal), context);
    const phases = terminal.phases();
    show(`${name} ${OUTCOMES[outcome]}.`);
    if (outcome === 'refused') return 1;
    await terminal.result({ name: spec.name, outcome, phases });
    return 0;
  },
});

async function stopPlainly(
  { spec, record }: KnownServer,
  { yes, dryRun }: { yes: boolean; dryRun: boolean },
  { print, show, style, confirm, context }: Terminal,
): Promise<number> {
  const user = await remoteUser(spec, context);
  if (dryRun) {
    print(commandLine(plainStopCommand(spec, user)));
    return 0;
  }
  const victims = await plainVictims(spec, user, context);
  if (victims.length === 0) {
    show(`No process of ${user} on ${spec.destination} has jupyter in its name.`);
  } else {
    show(`pkill would end all of these on ${spec.destination}:\n  ${victims.join('\n  ')}`);
    if (!yes && !(await confirm('End them?'))) return 1;
  }
  await stopPlain(spec, user, context);
  if (record) await forgetServer(spec, context);
  show(`${style.bold(spec.name)} is stopped.`);
  return 0;
}
