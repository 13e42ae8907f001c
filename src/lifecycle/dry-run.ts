import { scriptText } from '../host/script.ts';
import { launchScript } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { controlCommand, forwardSpec, scriptCommand } from '../ssh/arguments.ts';
import { commandLine } from '../system/command.ts';
import { LOOPBACK } from '../system/port.ts';
import { keeperCommand } from '../tunnel/keeping.ts';
import { connectionOf } from '../tunnel/tunnel.ts';

export interface PlanOptions {
  readonly timeoutMs: number;
  /** Whether the script for the host is written out, so that the line can be pasted as it stands. */
  readonly verbose: boolean;
}

/** The commands of a start, each behind a line that says what it is for. */
export function plannedCommands(spec: ServerSpec, options: PlanOptions, env: NodeJS.ProcessEnv): string[] {
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
    `# forward: a port of this machine to ${spec.socket ? 'the socket whose path the host tells' : 'the port that Jupyter got'}`,
    commandLine(controlCommand(connection, 'forward', forwardSpec(forward))),
  ];
}
