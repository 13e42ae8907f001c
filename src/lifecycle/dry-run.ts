import { scriptText } from '../host/script.ts';
import { launchScript } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { controlCommand, forwardSpec, scriptCommand } from '../ssh/arguments.ts';
import { commandLine } from '../system/command.ts';
import { LOOPBACK } from '../system/port.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { keeperCommand } from '../tunnel/keeping.ts';

/**
 * Returns the commands of a start, each after a line that explains it.
 * @param options.verbose whether to include the whole script, so that its command can be pasted
 */
export function plannedCommands(
  spec: ServerSpec,
  options: { readonly timeoutMs: number; readonly verbose: boolean },
  env: NodeJS.ProcessEnv,
): string[] {
  const connection = connectionOf(spec, env);
  const script = scriptText(launchScript(spec, 'start', 'dry-run', options));
  const launch = commandLine(scriptCommand(connection));
  const forward = {
    bindAddress: LOOPBACK,
    localPort: spec.localPort ?? spec.port,
    target: spec.socket ? '/SOCKET' : `${LOOPBACK}:${spec.port}`,
  };
  return [
    '# connect: the keeper runs ssh, and runs it again when it ends',
    commandLine(keeperCommand(connection)),
    '# launch: a script for the host, on standard input',
    options.verbose
      ? `${launch} <<'END-OF-SCRIPT'\n${script}END-OF-SCRIPT`
      : `${launch}   # ${script.split('\n').length} lines; --verbose shows them`,
    `# forward: from a local port to ${spec.socket ? 'the socket whose path the host reports' : 'the port that Jupyter got'}`,
    commandLine(controlCommand(connection, 'forward', forwardSpec(forward))),
  ];
}
