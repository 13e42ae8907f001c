import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Laptop, World } from './world.ts';

/** What `--json` prints of a server: see ServerStatus. */
export interface Shown {
  readonly state: string;
  readonly name: string;
  readonly directory: string;
  readonly url: string;
  readonly joined: boolean;
  readonly phases: Readonly<Record<string, number>>;
  readonly jupyter: {
    readonly state: string;
    readonly pid: number;
    readonly port: number;
    readonly socket: string;
    readonly command: string;
  };
  readonly tunnel: { readonly pid: number; readonly localPort: number; readonly forwards: readonly string[] };
}

/** Starts the world's host's server and answers with what `--json` says of it. */
export async function started(laptop: Laptop, ...args: string[]): Promise<Shown> {
  const { code, stdout, stderr } = await laptop.run('start', 'loopback', '{F}', '--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** What `status --json` says of a server, of the only one without a name, whatever becomes of it. */
export async function statusOf(laptop: Laptop, name?: string) {
  const { stdout } = await laptop.run('status', '--json');
  const { servers } = JSON.parse(stdout);
  return name === undefined ? servers[0] : servers.find((server: Shown) => server.name === name);
}

/** Runs a command that must end with this status, and answers with its standard error. */
export async function stderrOf(
  status: number,
  laptop: Pick<Laptop, 'run'>,
  ...args: string[]
): Promise<string> {
  const { code, stderr } = await laptop.run(...args);
  assert.equal(code, status, stderr);
  return stderr;
}

/** Runs a command that must succeed, and answers with its standard output. */
export async function done(laptop: Laptop, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await laptop.run(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/**
 * A server's life: it starts, is seen, and is stopped.
 * @param verb runs one to its end, and answers with its standard output
 */
export function liveAndDie(world: World, verb: (name: string, ...words: string[]) => string): void {
  const words = ['loopback', '-F', world.sshd.sshConfig, '--directory', 'work', '--no-browser', '--json'];
  const shown = JSON.parse(verb('start', ...words));
  assert.equal(shown.directory, join(world.home, 'work'));
  assert.match(verb('open', '--print'), /^http:\S+token=\w+\n$/);
  assert.equal(JSON.parse(verb('status', '--json')).servers[0].tunnel.state, 'connected');
  assert.equal(JSON.parse(verb('stop', '--json')).outcome, 'shutdown');
  assert.deepEqual(world.processes(), []);
}

/** What a laptop keeps of a server: the token above all, and the folder of its record on the host. */
export function serverRecord(laptop: Laptop, name = 'loopback'): { token: string; folder: string } {
  return JSON.parse(readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8')).servers[name].jupyter;
}

/** One request to a Jupyter on this machine's loopback address. */
export function askJupyter<T>(
  port: number,
  token: string,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `token ${token}`, 'Content-Length': 0 };
    const query = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(body));
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${body}`));
      });
    });
    query.once('error', reject);
    query.end();
  });
}
