import { join } from 'node:path';
import { type InstallOrder, installScript } from '../host/install/install.ts';
import { submissionOf } from '../host/jobs/jobs.ts';
import { type Script, scriptText } from '../host/script.ts';
import { launchScript } from '../host/servers.ts';
import type { Launcher } from '../launchers/launcher.ts';
import { launcherOf } from '../launchers/launchers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { DEFAULT_PORT } from '../model/settings.ts';
import {
  byHandCommand,
  type Connection,
  loginCommand,
  scriptCommand,
  throughHost,
} from '../ssh/arguments.ts';
import { commandLine, shellQuote } from '../system/command.ts';
import { LOOPBACK } from '../system/port.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { firstLoginCommand, keeperCommand } from '../tunnel/keeping.ts';

/**
 * Returns the commands of a start, each after a line that explains it.
 * @param options.verbose whether to include the whole script, so that its command can be pasted
 */
export async function plannedCommands(
  spec: ServerSpec,
  options: {
    readonly timeoutMs: number;
    readonly verbose: boolean;
    readonly install?: InstallOrder | undefined;
  },
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const connection = connectionOf(spec, env);
  const { install, verbose } = options;
  const onHost = (script: Script) => scriptLine(connection, script, verbose);
  return [
    '# connect: ssh logs in, and continues in the background. The keeper takes over, and logs in again when ssh ends',
    commandLine(firstLoginCommand(connection)),
    commandLine(keeperCommand(connection)),
    ...(install ? installLines(spec, install, verbose, connection) : []),
    '# launch: a script for the host, on standard input',
    onHost(await launchScript(spec, 'start', 'dry-run', options)),
    ...submission(spec),
    ...forwarding(spec, connection),
  ];
}

/** The command that installs Jupyter, after a line that explains it. */
export function installLines(
  spec: ServerSpec,
  order: InstallOrder,
  verbose: boolean,
  connection: Connection,
): string[] {
  return [
    '# install: a script for the host that makes the venv, unless it is there, and runs pip or uv in it',
    scriptLine(connection, installScript(spec, order), verbose),
  ];
}

/** The command that runs a script on the host; the script itself only if `verbose` says so. */
export function scriptLine(connection: Connection, script: Script, verbose: boolean): string {
  const command = commandLine(scriptCommand(connection));
  const text = scriptText(script);
  return verbose
    ? `${command} <<'END-OF-SCRIPT'\n${text}END-OF-SCRIPT`
    : `${command}   # ${text.split('\n').length} lines; --verbose shows them`;
}

/** The command that submits the job of a server. */
function submission(spec: ServerSpec): string[] {
  const submit = submissionOf(spec);
  if (submit === '') return [];
  return [
    "# submit: the script does this on the host, unless the job is there; $folder is the folder of the server's record",
    submit,
  ];
}

/** The two ways to the node of a job, whose name and sockets are not known yet. */
function forwardingToNode(launcher: Launcher, connection: Connection): string[] {
  const words = launcher.within('JOB');
  const hostKeys = join(connection.folder, 'n1-keys');
  const settings = throughHost(connection, 'NODE', hostKeys);
  const login = loginCommand(connection, join(connection.folder, 'n1'), false, settings);
  return [
    '# forward: the keeper listens on the local port, and carries what connects there over one of these, the first on the host:',
    ...(words ? [`# ${words.map(shellQuote).join(' ')} python3 -I RELAY.py join RELAY.sock`] : []),
    `# ${commandLine(login)}`,
  ];
}

function forwarding(spec: ServerSpec, connection: Connection): string[] {
  const launcher = launcherOf(spec);
  if (launcher) return forwardingToNode(launcher, connection);
  const forward = {
    bindAddress: LOOPBACK,
    localPort: spec.localPort ?? spec.port ?? DEFAULT_PORT,
    target: spec.port === undefined ? '/SOCKET' : `${LOOPBACK}:${spec.port}`,
  };
  return [
    `# forward: the keeper listens on the local port. To forward it by hand instead${spec.port === undefined ? ' (/SOCKET is the path that the host reports)' : ''}:`,
    `# ${commandLine(byHandCommand(connection, forward))}`,
  ];
}
