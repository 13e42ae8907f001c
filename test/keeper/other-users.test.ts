import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { connectionFolder } from '../hosts/keeper.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { askJupyter, done, recordOf, started } from '../hosts/servers.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/** What another user of this machine, who is also one of the host, reaches of a tunnel. */

let world: World;
let other: Account;
before(async () => {
  if (NO_ACCOUNTS) return;
  other = makeAccount('sh');
  world = await makeWorld();
  await started(world.laptop);
});
after(async () => {
  if (NO_ACCOUNTS) return;
  await done(world.laptop, 'stop', 'loopback', '--yes');
  await world.remove();
  await other.remove();
});

const CONNECT = `
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print(path)
    except OSError:
        pass
`;

/** Which of these sockets a user can connect to. */
function reached(paths: readonly string[], uid: number): string[] {
  const words = ['--reuid', String(uid), '--clear-groups', 'python3', '-c', CONNECT, ...paths];
  return execFileSync('setpriv', words, { cwd: '/', encoding: 'utf8' }).split('\n').filter(Boolean);
}

test('another user reaches neither the relay, nor a carrier, nor the keeper, nor its ssh', {
  skip: NO_ACCOUNTS,
}, () => {
  const folder = connectionFolder(world.laptop);
  // A file that the keeper replaces at this moment is not there any more.
  const isSocket = (path: string) => statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  const here = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter(isSocket);
  const relay = recordOf(world.laptop).relay?.socket ?? '';
  // The keeper, the control socket of ssh, and the forwarded socket of the carrier.
  assert.ok(here.length >= 3, here.join(' '));
  assert.deepEqual(reached([...here, relay], process.getuid?.() ?? 0), [...here, relay]);
  assert.deepEqual(reached([...here, relay], other.uid), []);
});

test('the local port, which others can open, asks for the token', { skip: NO_ACCOUNTS }, async () => {
  const { jupyter, forwards } = recordOf(world.laptop);
  const port = forwards.own?.localPort ?? 0;
  const ask = `import urllib.request, sys; print(urllib.request.urlopen("http://127.0.0.1:${port}/api/kernels").read())`;
  const words = ['--reuid', String(other.uid), '--clear-groups', 'python3', '-c', ask];
  assert.throws(() => execFileSync('setpriv', words, { cwd: '/', stdio: 'pipe' }), /HTTP Error 403/);
  assert.deepEqual(await askJupyter(port, jupyter.token, '/api/kernels'), []);
});
