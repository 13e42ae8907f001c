import { parseEnvironment } from '../model/environment.ts';
import { scriptVariables } from '../model/settings.ts';
import { type Frame, lastValue } from './protocol.ts';
import { askHost, type OnHost } from './run-script.ts';

/** An environment that was found on the host. */
export interface Offer {
  /** As for `--environment`; empty for none, so that a start uses what it finds. */
  readonly word: string;
  readonly about: string;
  /** Whether Jupyter seems to be installed in it. */
  readonly isReady: boolean;
}

/**
 * Searches the host for environments in which a server could run, the best first. If the spec names an environment, that
 * one is only tried out. Changes nothing there.
 * @throws HostFailure when the directory does not exist, or the environment cannot be entered
 */
export async function survey(server: OnHost): Promise<Offer[]> {
  const { spec } = server;
  const script = { name: 'environments', variables: { name: spec.name, ...scriptVariables(spec) } } as const;
  return offersIn(await askHost(server, script));
}

const IN_DIRECTORY = ['.venv', 'venv'];

/** The offers in the frames of environments.sh, each word once. */
function offersIn(frames: readonly Frame[]): Offer[] {
  const named = frames.flatMap((frame) => offerIn(frame) ?? []);
  const found = lastValue(frames, 'found');
  // Without an environment, a start uses such a venv: both offers would be the same.
  const isTaken = named.some(({ word, isReady }) => isReady && IN_DIRECTORY.includes(word));
  const none = found === undefined || isTaken ? [] : [{ word: '', about: found, isReady: true }];
  const all = [...named.filter(isOfDirectory), ...none, ...named.filter((offer) => !isOfDirectory(offer))];
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

/** A folder whose name would mean another kind of environment begins with `./`. */
function venvWord(name: string): string {
  return /^[a-z]+:|^(?:uv|poetry|pixi)$/.test(name) ? `./${name}` : name;
}

/** Reads `KIND PREFIX`: conda's own environment is `base`, those in its folder have names, and others have paths. */
function condaWord(value: string): string {
  const [kind, prefix] = [value.slice(0, 4), value.slice(5)];
  if (kind === 'base') return 'conda:base';
  return `conda:${kind === 'name' ? prefix.slice(prefix.lastIndexOf('/') + 1) : prefix}`;
}
