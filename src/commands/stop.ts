import { plainVictims, remoteUser, stopPlain } from '../article/article.ts';
import { plainStopCommand } from '../article/commands.ts';
import { verifyNotArticle } from '../article/store.ts';
import { type KnownServer, serverToStop } from '../config/resolve.ts';
import { disconnectServer, forgetServer, stopServer } from '../lifecycle/stop.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER_OR_RUN, verifyAlone, YES } from '../line/verb.ts';
import { hasNotebook } from '../model/run.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { NamedRun } from '../runs/place.ts';
import { stopRun } from '../runs/runs.ts';
import { cellsOf } from '../screen/run-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { mayEnd } from './busy.ts';
import { runNamed } from './runs.ts';
import { OUTCOMES, stopAll } from './stop-all.ts';

export const stop = defineVerb({
  usage: 'stop [server]',
  summary: 'Stop exactly this server or run; the outputs of a run are kept',
  positionals: SERVER_OR_RUN,
  options: {
    ...CONFIG_FILE,
    ...YES,
    'keep-server': flag('close only the tunnel; the server keeps running'),
    forget: flag(
      'for a server that can no longer be reached: only remove its record from this machine, without connecting to the host',
    ),
    all: flag('stop all servers started from this machine; asks once'),
    plain: flag(
      'run the last of the three plain ssh commands of an article instead, which ends every Jupyter process of your user (see docs/article.md)',
    ),
    'dry-run': flag('with --plain: print the command without running it'),
  },
  examples: [
    ['$0 stop', 'stop the only server; asks first if a kernel is running code'],
    ['$0 stop train-3', 'cancel a run; its outputs stay'],
    ['$0 stop --all', 'stop all servers started from this machine'],
    ['$0 stop gpu --plain --dry-run', 'print the plain ssh command, without running it'],
    ['$0 stop gpu --keep-server', 'disconnect from the server; start connects to it again'],
    ['$0 stop gpu --forget', 'remove the record of a server whose machine no longer exists'],
  ],
  async run(args, terminal) {
    const { context, show, style } = terminal;
    // The commands of any other stop depend on the answers of the server and its host.
    if (args.dryRun && !args.plain)
      throw new UsageError('stop --dry-run works only with --plain', {
        remedy: 'Add --plain, or use --verbose to see the commands of any other stop as they run.',
      });
    if (args.all) {
      verifyAlone('--all', [
        args.keepServer && '--keep-server',
        args.forget && '--forget',
        args.plain && '--plain',
        args.server,
      ]);
      return stopAll(args.yes, terminal);
    }
    if (args.forget) verifyAlone('--forget', [args.keepServer && '--keep-server', args.plain && '--plain']);
    const run = await runNamed(args.server, args.sshConfig, context);
    if (run) {
      const others = [args.keepServer && '--keep-server', args.forget && '--forget', args.plain && '--plain'];
      verifyAlone('a run', others);
      return stopNamedRun(args.server ?? '', run, terminal);
    }
    const known = await serverToStop(args.server, args.sshConfig, context);
    if (!known) return nothingToStop(terminal);
    if (args.plain) return stopPlainly(known, args, terminal);
    const { spec, record } = known;
    verifyNotArticle(spec.name, context);
    const name = style.bold(spec.name);
    if (args.forget) {
      if (!record) return nothingToClose(spec, terminal);
      await forgetServer(spec, context);
      show(
        `${name}: its record and its tunnel are removed from this machine. If the server is running, it keeps running.`,
      );
      await terminal.result({ name: spec.name, outcome: 'forgotten' });
      return 0;
    }
    if (args.keepServer) {
      if (!record) return nothingToClose(spec, terminal);
      await disconnectServer(spec, context);
      show(`${name}: the tunnel is closed; the server is still running.`);
      show(`Reconnect with: remote-notebook start ${spec.name}`);
      await terminal.result({ name: spec.name, outcome: 'kept' });
      return 0;
    }
    const outcome = await stopServer(spec, args.yes ? undefined : mayEnd(terminal), context);
    const phases = terminal.phases();
    const wasUnknown = outcome === 'gone' && !record;
    show(wasUnknown ? `${name} is not running on ${spec.destination}.` : `${name} ${OUTCOMES[outcome]}.`);
    if (outcome === 'refused') return 1;
    await terminal.result({ name: spec.name, outcome, phases });
    return 0;
  },
});

const RUN_OUTCOMES = {
  cancelled: 'is cancelled',
  killed: 'did not respond; its processes were killed',
  released: 'had already ended; its kernel is ended, too',
  gone: 'had already ended',
} as const;

async function stopNamedRun(
  reference: string,
  { name, place }: NamedRun,
  terminal: Terminal,
): Promise<number> {
  const { outcome, status } = await stopRun(name, place, terminal.context);
  const { show, style } = terminal;
  terminal.phases();
  show(`${style.bold(name)} ${RUN_OUTCOMES[outcome]}: ${cellsOf(status)}.`);
  if (hasNotebook(status)) show(style.dim(`Its notebook: remote-notebook fetch ${reference}`));
  await terminal.result({ ...status, outcome });
  return 0;
}

async function nothingToStop({ show, result }: Terminal): Promise<number> {
  show('No servers started from this machine are running.');
  await result({ outcome: 'gone' });
  return 0;
}

async function nothingToClose({ name }: ServerSpec, { show, result }: Terminal): Promise<number> {
  show(`There is no tunnel from this machine to "${name}".`);
  await result({ name, outcome: 'gone' });
  return 0;
}

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
