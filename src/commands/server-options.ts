import { CONFIG_FILE } from '../line/verb.ts';

/** The options that describe a server; the same words in config.yaml. */
export const SERVER_OPTIONS = {
  name: { type: 'string', describe: 'a name for this server (default: its host)', requiresArg: true },
  directory: {
    alias: 'd',
    type: 'string',
    describe: 'where it works on the host (default: the home folder)',
    requiresArg: true,
  },
  environment: {
    alias: 'e',
    type: 'string',
    describe:
      "a venv's folder on the host (in the directory, absolute, or below ~), conda:NAME, uv, poetry, pixi, or module:NAME,NAME",
    requiresArg: true,
  },
  setup: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'a line of shell that comes before the environment; more than once for more',
    requiresArg: true,
  },
  command: {
    type: 'string',
    describe: 'Jupyter command (default: jupyter lab if it is there, else jupyter notebook)',
    requiresArg: true,
  },
  port: { alias: 'p', type: 'number', describe: 'port on the host (default: 8889)', requiresArg: true },
  'local-port': {
    type: 'number',
    describe: 'port on this machine (default: the same, if it is free)',
    requiresArg: true,
  },
  socket: {
    type: 'boolean',
    describe: 'Jupyter listens on a private Unix socket of the host, on no port that others could reach',
  },
  'strict-port': { type: 'boolean', describe: 'fail when a port is taken, instead of taking the next' },
  'idle-timeout': {
    type: 'string',
    describe: 'end idle kernels, and then the server, after so long without use: 90m, 8h, 2d',
    requiresArg: true,
  },
  ...CONFIG_FILE,
} as const;

/** Names a server that runs already. */
export const ADOPT = {
  adopt: {
    type: 'number',
    describe:
      'join the Jupyter server with this port or PID on the host, whoever started it: see status --all',
    requiresArg: true,
  },
} as const;
