import { makeCommand, parseEnvironment } from '../../model/environment.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { indented } from '../../system/errors.ts';

export interface FailedContainer {
  /** The environment: TOOL:IMAGE. */
  readonly subject: string;
  readonly where?: string | undefined;
  readonly log: readonly string[];
  readonly destination: string;
  readonly spec: ServerSpec;
}

type Explain = (failure: FailedContainer) => readonly [message: string, remedy: string];

/** The message and the remedy for each cause of a failure in which a container takes part. */
export const CONTAINER_EXPLANATIONS = {
  container: ({ subject, log, destination }) => [
    `${toolOf(subject)} on ${destination} cannot run the image of "${subject}". It printed:${indented(log)}`,
    remedyFor(log.join('\n'), subject),
  ],
  image: ({ subject, log, destination, spec: { command } }) => [
    command === ''
      ? `the image of "${subject}" on ${destination} has no JupyterLab and no notebook on its PATH`
      : `the image of "${subject}" on ${destination} does not have the command "${command}"${log.length === 0 ? '' : `. It printed:${indented(log)}`}`,
    'Build an image with it, for example with this line in its Containerfile: RUN pip install jupyterlab',
  ],
  unbound: ({ subject, where, destination }) => [
    `cannot show "${where}" of ${destination} in the container "${subject}": its path contains a colon or a comma`,
    'Rename it there, or choose another with --directory.',
  ],
} as const satisfies Readonly<Record<string, Explain>>;

/** What the tools print, and what helps. The words of docker and apptainer are from their sources. */
const REMEDIES: readonly (readonly [printed: RegExp, remedy: (tool: string, subject: string) => string])[] = [
  [
    /permission denied.*docker/is,
    (_, subject) =>
      `Your account may not use the daemon of docker there: ask an administrator to add it to the group docker. podman needs no daemon: --environment ${podmanFor(subject)}`,
  ],
  [
    /cannot connect to the docker daemon|failed to connect to the docker api/i,
    (_, subject) =>
      `The daemon of docker is not running there: ask an administrator to start it. podman needs no daemon: --environment ${podmanFor(subject)}`,
  ],
  [
    /image not known|no such image|unable to find image|no such file or directory|does not resolve to an alias/i,
    (_, subject) =>
      `The image must be on the host before a start. Get it there, or check its name: ${makeCommand(parseEnvironment(subject))}`,
  ],
  [
    /newuidmap|newgidmap|subuid|subgid|user namespace/i,
    (tool) =>
      `Users may not run containers there. Ask an administrator to allow it: see "rootless" in the documentation of ${tool}, and /etc/subuid`,
  ],
];

function remedyFor(printed: string, subject: string): string {
  const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(printed)) ?? [];
  const tool = toolOf(subject);
  return remedy?.(tool, subject) ?? `Try it on the host by hand, as its own words suggest: ${tool} info`;
}

function toolOf(environment: string): string {
  return environment.slice(0, environment.indexOf(':'));
}

function podmanFor(environment: string): string {
  return `podman:${environment.slice(environment.indexOf(':') + 1)}`;
}
