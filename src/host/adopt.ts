import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { Elsewhere, Unwritable } from './failures.ts';
import type { FoundServer } from './listing.ts';
import { runScript } from './run-script.ts';
import { lastValue } from './script.ts';
import { type HostServer, identityVariables, serverIn } from './server-record.ts';
import type { LaunchProgress } from './servers.ts';

/**
 * Puts a server that something else has started on record on its host, under this name. Undone as a launch is, by
 * `undoLaunch`: the record goes then, and the server stays.
 * @param launch a name for this attempt
 * @throws Failure when it has ended meanwhile, or the record would be another server's
 */
export async function recordServer(
  connection: Connection,
  spec: ServerSpec,
  { info, identity, file = '', command = '', upSeconds = 0 }: FoundServer,
  launch: string,
  progress: LaunchProgress,
  context: Context,
): Promise<HostServer> {
  const { name, directory } = spec;
  const server = { ...identityVariables(identity), file, command, up: String(upSeconds) };
  const variables = { launch, name, directory, ...server };
  progress.folder = '';
  const frames = await runScript(connection, { name: 'adopt', variables }, context, (frame) => {
    if (frame.key === 'folder') progress.folder = frame.value;
  });
  const recorded = serverIn(frames);
  if (recorded) return recorded;
  throw adoptFailure(lastValue(frames, 'failed') ?? '', spec, info.pid);
}

function adoptFailure(failed: string, { name, destination }: ServerSpec, pid: number): Failure {
  const [cause, ...words] = failed.split(' ');
  const subject = words.join(' ');
  switch (cause) {
    case 'elsewhere':
      return new Elsewhere(destination, words);
    case 'directory':
      return new Failure(
        `the server (PID ${pid} on ${destination}) serves "${subject}", which is not there any more`,
        {
          remedy: 'Start another in a directory that is there.',
        },
      );
    case 'taken':
      return new Failure(`"${name}" is another server on ${destination} already (PID ${subject})`, {
        remedy: 'Give this one a --name of its own.',
      });
    case 'folder':
      return new Unwritable(destination, subject);
    default:
      return new Failure(`the server (PID ${pid} on ${destination}) has just ended`, {
        remedy: `See what runs: remote-notebook status ${destination} --all`,
      });
  }
}
