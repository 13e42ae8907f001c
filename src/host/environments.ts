import { parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { scriptVariables } from '../model/settings.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { type Frame, lastValue } from './protocol.ts';
import { askHost } from './run-script.ts';

/** An environment that was found on the host; an empty word is none, by which a start takes what it finds. */
export interface Offer {
  readonly word: string;
  readonly about: string;
  /** Whether Jupyter is in it, as far as a look tells. */
  readonly isReady: boolean;
}

/**
 * Looks on the host for what a server could run in, over its connection, which is up: the best first. Where the spec
 * names an environment, that one is entered and left, and nothing is looked for. Changes nothing there.
 * @throws HostFailure when the directory is not there, or the environment cannot be entered
 */
export async function survey(connection: Connection, spec: ServerSpec, context: Context): Promise<Offer[]> {
  const script = { name: 'environments', variables: { name: spec.name, ...scriptVariables(spec) } } as const;
  return offersIn(await askHost(connection, spec, script, context));
}

const IN_DIRECTORY = ['.venv', 'venv'];

/** The offers in the frames of environments.sh, each word once. */
function offersIn(frames: readonly Frame[]): Offer[] {
  const told = frames.flatMap((frame) => offerIn(frame) ?? []);
  const found = lastValue(frames, 'found');
  // A start that is told none takes such a venv: then it is the same, in other words.
  const isTaken = told.some(({ word, isReady }) => isReady && IN_DIRECTORY.includes(word));
  const none = found === undefined || isTaken ? [] : [{ word: '', about: found, isReady: true }];
  const all = [...told.filter(isOfDirectory), ...none, ...told.filter((offer) => !isOfDirectory(offer))];
  const unique = [...new Map(all.toReversed().map((offer) => [offer.word, offer])).values()].toReversed();
  return [...unique.filter(({ isReady }) => isReady), ...unique.filter(({ isReady }) => !isReady)];
}

function isOfDirectory({ word }: Offer): boolean {
  return parseEnvironment(word).kind !== 'conda';
}

function offerIn({ key, value }: Frame): Offer | undefined {
  const [, readiness, name = ''] = /^(ready|bare) (.+)$/.exec(value) ?? [];
  const isReady = readiness === 'ready';
  if (readiness === undefined) return undefined;
  const lacks = isReady ? '' : ', without Jupyter';
  if (key === 'project') return { word: name, about: `the ${name} project in the directory`, isReady };
  if (key === 'venv') return { word: venvWord(name), about: `a venv in the directory${lacks}`, isReady };
  if (key === 'conda') return { word: condaWord(name), about: `${name.slice(5)}${lacks}`, isReady };
  return undefined;
}

/** A folder whose name means another kind of environment. */
function venvWord(name: string): string {
  return /^[a-z]+:|^(?:uv|poetry|pixi)$/.test(name) ? `./${name}` : name;
}

/** An environment of conda's own place goes by its name, conda's own is `base`, and any other goes by its path. */
function condaWord(told: string): string {
  const [kind, prefix] = [told.slice(0, 4), told.slice(5)];
  if (kind === 'base') return 'conda:base';
  return `conda:${kind === 'name' ? prefix.slice(prefix.lastIndexOf('/') + 1) : prefix}`;
}
