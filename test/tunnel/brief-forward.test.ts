import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { askServer } from '../../src/jupyter/api.ts';
import { quietContext } from '../../src/system/context.ts';
import { withBriefForward } from '../../src/tunnel/brief-forward.ts';
import { connectionOf } from '../../src/tunnel/connection.ts';
import { readKeeperState } from '../../src/tunnel/keeper.ts';
import { onTunnel } from '../../src/tunnel/tunnel.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { eventually } from '../hosts/world.ts';

/** Requests to a server that has no local port go through a socket that exists only for the request. */

const world = worldPerTest();

/** Listens on the host, and asks there by a brief forward, over a connection whose state is below `stateHome`. */
async function asked(
  stateHome: string,
  before: (folder: string, socketPath: string) => Promise<void> = async () => {},
): Promise<{ answer: string; heard: string[]; left: string[] }> {
  const heard: string[] = [];
  const server = createServer(({ headers }, response) => {
    heard.push(headers.authorization ?? '');
    response.end('here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const env = { ...world.laptop.env, XDG_STATE_HOME: stateHome };
  const context = quietContext(env);
  const connection = connectionOf({ destination: 'loopback', sshConfig: world.sshd.sshConfig }, env);
  try {
    return await onTunnel(connection, context, async () => {
      const names = () => readdirSync(connection.folder).sort();
      const known = names();
      const answer = await withBriefForward(connection, `127.0.0.1:${port}`, context, async (socketPath) => {
        await before(connection.folder, socketPath);
        const api = { end: { socketPath }, baseUrl: '/', secure: false, token: 'secret' };
        return askServer(api, 'api/status', context.signal, 5000).then(
          ({ body }) => body,
          (error: NodeJS.ErrnoException) => error.code ?? '',
        );
      });
      return { answer, heard, left: names().filter((name) => !known.includes(name)) };
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('requests go through a socket that only this user can reach, and that is removed afterwards', async () => {
  let modes: number[] = [];
  const { answer, heard, left } = await asked(join(world.home, '..', 'q'), async (folder, socketPath) => {
    modes = [folder, socketPath].map((path) => statSync(path).mode & 0o077);
  });
  assert.deepEqual([answer, heard, left, modes], ['here', ['token secret'], [], [0, 0]]);
});

test('a brief forward works in a state folder whose name contains a colon or a backslash', async () => {
  const odd = join(world.home, '..', 'a:b\\c');
  mkdirSync(odd);
  assert.equal((await asked(odd)).answer, 'here');
});

test('if ssh ends in between, no token is sent, even if the next ssh is running', async () => {
  const { answer, heard } = await asked(join(world.home, '..', 'q'), async (folder) => {
    const ssh = () => readKeeperState({ folder })?.ssh?.pid ?? 0;
    const first = ssh();
    process.kill(first, 'SIGKILL');
    await eventually(
      'the next ssh is connected',
      () => ssh() !== first && readKeeperState({ folder })?.phase === 'connected',
    );
  });
  assert.deepEqual([answer, heard], ['ECONNREFUSED', []]);
});
