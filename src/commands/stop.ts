import type { KnownServer } from '../config/resolve.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER, verifyAlone, YES } from '../line/verb.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { OUTCOMES, stopAll } from './stop-all.ts';

export const stop = defineVerb({
  usage: 'stop [server]',
  summary: 'Stop exactly this server, then close its tunnel',
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    ...YES,
    'keep-server': flag('close the tunnel alone; the server runs on'),
    all: flag('all servers that were started or joined from here; asks once'),
    plain: flag("run the article's own command: it ends every Jupyter of that user"),
    'dry-run': flag('with --plain: print its command, and run nothing'),
  },
  examples: [
    ['$0 stop', 'the only server; asks first when one of its kernels is busy'],
    ['$0 stop --all', 'each server that was started or joined from here'],
    ['$0 stop gpu --plain --dry-run', "prints the article's command"],
    ['$0 stop gpu --keep-server', 'leave it running, and join it again later with start'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    // Any other stop goes by what it hears from the server and its host: there is no command to show.
    if (args.dryRun && !args.plain)
      throw new UsageError("--dry-run shows the article's command, and this stop is another one", {
        remedy: 'Add --plain. What any other stop runs, --verbose shows.',
      });
    if (args.all) {
      verifyAlone('--all', [args.keepServer && '--keep-server', args.plain && '--plain', args.server]);
      return stopAll(args.yes, terminal);
    }
    const { knownServer } = await import('../config/resolve.ts');
    if (args.plain)
      return stopPlainly(await knownServer(args.server, args.sshConfig, context), args, terminal);
    const { ownServer } = await import('../article/store.ts');
    const { spec } = await ownServer(args.server, args.sshConfig, context);
    const name = terminal.style.bold(spec.name);
    const { disconnectServer, stopServer } = await import('../lifecycle/stop.ts');
    if (args.keepServer) {
      await disconnectServer(spec, context);
      terminal.show(
        `${name}: the tunnel is closed; the server runs on. Join it again: remote-notebook start ${spec.name}`,
      );
      await terminal.result({ name: spec.name, outcome: 'kept' });
      return 0;
    }
    const { mayEnd } = await import('./busy.ts');
    const outcome = await stopServer(spec, args.yes ? undefined : mayEnd(terminal), context);
    const phases = terminal.phases();
    terminal.show(`${name} ${OUTCOMES[outcome]}.`);
    if (outcome === 'refused') return 1;
    await terminal.result({ name: spec.name, outcome, phases });
    return 0;
  },
});

async function stopPlainly(
  known: KnownServer,
  { yes, dryRun }: { yes: boolean; dryRun: boolean },
  terminal: Terminal,
): Promise<number> {
  const { context } = terminal;
  const { spec, record } = known;
  const { plainVictims, remoteUser, stopPlain } = await import('../article/article.ts');
  const user = await remoteUser(spec, context);
  if (dryRun) {
    const { plainStopCommand } = await import('../article/commands.ts');
    terminal.print(commandLine(plainStopCommand(spec, user)));
    return 0;
  }
  const victims = await plainVictims(spec, user, context);
  terminal.show(
    victims.length === 0
      ? `No process of ${user} on ${spec.destination} has jupyter in its name.`
      : `pkill would end all of these on ${spec.destination}:\n${victims.map((line) => `  ${line}`).join('\n')}`,
  );
  if (victims.length > 0 && !yes && !(await terminal.confirm('End them?'))) return 1;
  await stopPlain(spec, user, context);
  if (record) {
    const { forgetServer } = await import('../lifecycle/stop.ts');
    await forgetServer(spec, context);
  }
  terminal.show(`${terminal.style.bold(spec.name)} is stopped.`);
  return 0;
}
