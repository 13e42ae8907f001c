import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { DefaultKernel } from '../../src/model/status.ts';
import type { JupyterRecord, ServerRecord } from '../../src/state/records.ts';
import { noProcessIsLeft } from './traces.ts';
import type { Laptop, World } from './world.ts';

/** A server as `--json` prints it: see ServerStatus. */
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
    readonly startedAt: string;
    readonly port: number;
    readonly socket: string;
    readonly command: string;
    readonly version: string;
    readonly kernel: DefaultKernel;
  };
  readonly tunnel: { readonly pid: number; readonly localPort: number; readonly forwards: readonly string[] };
}

/** Starts a server on the test host, and returns what `--json` prints. */
export async function started(laptop: Laptop, ...args: string[]): Promise<Shown> {
  const { code, stdout, stderr } = await laptop.run('start', 'loopback', '{F}', '--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** A server as `status --json` prints it; without a name, the only one. The exit status is ignored. */
export async function statusOf(laptop: Laptop, name?: string) {
  const { stdout } = await laptop.run('status', '--json');
  const { servers } = JSON.parse(stdout);
  return name === undefined ? servers[0] : servers.find((server: Shown) => server.name === name);
}

/** Runs a command that must end with this status, and returns its standard error. */
export async function stderrOf(
  status: number,
  laptop: Pick<Laptop, 'run'>,
  ...args: string[]
): Promise<string> {
  const { code, stderr } = await laptop.run(...args);
  assert.equal(code, status, stderr);
  return stderr;
}

/** Runs a command that must succeed, and returns its standard output. */
export async function done(laptop: Laptop, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await laptop.run(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/**
 * Starts, shows and stops a server.
 * @param verb runs one verb to its end, and returns its standard output
 */
export async function liveAndDie(
  world: World,
  verb: (name: string, ...words: string[]) => string,
): Promise<void> {
  const words = ['loopback', '-F', world.sshd.sshConfig, '--directory', 'work', '--no-browser', '--json'];
  const shown = JSON.parse(verb('start', ...words));
  assert.equal(shown.directory, join(world.home, 'work'));
  assert.match(verb('open', '--print'), /^http:\S+token=\w+\n$/);
  assert.equal(JSON.parse(verb('status', '--json')).servers[0].tunnel.state, 'connected');
  assert.equal(JSON.parse(verb('stop', '--json')).outcome, 'shutdown');
  await noProcessIsLeft(world);
}

/** The record of a server on a laptop: its token, the folder of its record on the host, and more. */
export function serverRecord(laptop: Laptop, name = 'loopback'): { token: string; folder: string } {
  return recordOf(laptop, name).jupyter;
}

/** All that the laptop's state file has of a server. */
export function recordOf(
  laptop: Laptop,
  name = 'loopback',
): ServerRecord & { readonly jupyter: JupyterRecord } {
  return JSON.parse(readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8')).servers[name];
}

/** Whether the server of a page answers, by the token in its URL: another one may have its port by now. */
export async function answers(page: string): Promise<boolean> {
  const api = new URL(`/api/status${new URL(page).search}`, page);
  const response = await fetch(api).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok === true;
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
