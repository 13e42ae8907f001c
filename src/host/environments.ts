import { scriptVariables } from '../model/settings.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
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
  const variables = { name: server.spec.name, ...scriptVariables(server.spec) };
  return offersIn(await askHost(server, { name: 'environments', variables }));
}

/** What `--environment` calls an environment with this name or prefix in a frame, and a description of it. */
const KINDS = {
  // The name of a folder may look like another kind of environment.
  venv: (name: string) => {
    const isAmbiguous = /^[a-z]+:|^(?:uv|poetry|pixi)$/.test(name);
    const about = /^[~/]/.test(name) ? 'a venv' : 'a venv in the directory';
    return { word: isAmbiguous ? `./${name}` : name, about };
  },
  project: (name: string) => ({ word: name, about: `the ${name} project in the directory` }),
  // `base PREFIX`, `name PREFIX` in the folder of a conda, or `path PREFIX` elsewhere.
  conda: (name: string) => {
    const prefix = name.slice(5);
    const word = name.startsWith('name') ? prefix.slice(prefix.lastIndexOf('/') + 1) : prefix;
    return { word: `conda:${name.startsWith('base') ? 'base' : word}`, about: prefix };
  },
} as const;

/** The offers in the frames of environments.sh, each word once. */
function offersIn(frames: readonly Frame[]): Offer[] {
  const offers = (key: keyof typeof KINDS) =>
    valuesOf(frames, key).map((value): Offer => {
      const isReady = value.startsWith('ready ');
      const { word, about } = KINDS[key](value.slice(value.indexOf(' ') + 1));
      return { word, about: isReady ? about : `${about}, without Jupyter`, isReady };
    });
  const inDirectory = [...offers('venv'), ...offers('project')];
  const found = lastValue(frames, 'found');
  // Without an environment, a start uses such a venv: both offers would be the same.
  const isTaken = inDirectory.some(({ word, isReady }) => isReady && ['.venv', 'venv'].includes(word));
  const none = found === undefined || isTaken ? [] : [{ word: '', about: found, isReady: true }];
  const all = [...inDirectory, ...none, ...offers('conda')];
  const unique = all.filter(({ word }, index) => all.findIndex((other) => other.word === word) === index);
  return unique.toSorted((one, other) => Number(other.isReady) - Number(one.isReady));
}
