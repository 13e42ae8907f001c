import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { done, type Shown, serverRecord, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/**
 * Another user of the host, who takes the port of a server as soon as that is free, answers each request with 200, and
 * keeps what was sent.
 */

let world: World;
let other: Account;
let server: Shown;

before(() => {
  if (!NO_ACCOUNTS) other = makeAccount('bash');
});
after(async () => {
  if (!NO_ACCOUNTS) await other.remove();
});

beforeEach(async () => {
  if (NO_ACCOUNTS) return;
  world = await makeWorld();
  server = await started(world.laptop, ...(await ports()));
});

const needsAccounts = { skip: NO_ACCOUNTS };

const STRANGER = `
import http.server, sys
class Stranger(http.server.BaseHTTPRequestHandler):
    def answer(self):
        open(sys.argv[2], 'a').write(f'{self.command} {self.path}\\n{self.headers}\\n')
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'[]')
    do_GET = do_POST = answer
open(sys.argv[2] + '.waits', 'w').close()
while True:
    try:
        listener = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Stranger)
        break
    except OSError:
        pass
open(sys.argv[2] + '.listens', 'w').close()
listener.serve_forever()
`;

interface Stranger {
  /** What was sent to the port. */
  received(): string;
  listens(): boolean;
  child: ChildProcess;
}

/** The other user waits for the port, from now on: a restart that is quicker would have it again. */
async function strangerAt(port: number): Promise<Stranger> {
  const folder = makeFolder('rn-stranger-');
  chmodSync(folder, 0o777);
  const file = join(folder, 'received');
  const child = spawn('/usr/bin/python3', ['-c', STRANGER, String(port), file], {
    uid: other.uid,
    gid: other.gid,
    cwd: '/',
    stdio: 'ignore',
  });
  await eventually('the other user waits for the port', () => existsSync(`${file}.waits`));
  return {
    child,
    received: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    listens: () => existsSync(`${file}.listens`),
  };
}

/** Kills the server, and lets the other user have its port. */
async function robbed(): Promise<Stranger> {
  const stranger = await strangerAt(server.jupyter.port);
  process.kill(server.jupyter.pid, 'SIGKILL');
  await eventually('the other user has the port', stranger.listens);
  return stranger;
}

/** One request of an open page, which has a cookie instead of the token. */
function poll(port: number): Promise<void> {
  return new Promise((resolve) => {
    const headers = { Cookie: 'username-127-0-0-1=of-the-page' };
    const query = request({ host: '127.0.0.1', port, path: '/api/status', headers, agent: false });
    query.on('response', (response) => response.resume().on('end', resolve));
    query.on('error', () => resolve());
    query.end();
  });
}

for (const [verb, ...words] of [
  ['status'],
  ['start', '--no-browser'],
  ['restart', '--no-browser'],
  ['stop'],
  ['open', '--print'],
  ['forward'],
  ['doctor'],
] as const) {
  test(
    `after a server on a port was killed, ${verb} sends nothing to another user who has the port`,
    needsAccounts,
    async () => {
      const { token } = serverRecord(world.laptop);
      const stranger = await robbed();
      try {
        const { stdout } = await world.laptop.run(verb, 'loopback', ...words);
        assert.equal(stranger.received(), '');
        assert.ok(!stdout.includes(token), stdout);
        if (verb === 'doctor') return;
        // Nor does an open page, any more.
        await poll(server.tunnel.localPort);
        assert.equal(stranger.received().includes('of-the-page'), false);
      } finally {
        stranger.child.kill('SIGKILL');
        await world.remove();
      }
    },
  );
}

test(
  'status shows that the server has ended, and start starts another one on another port',
  needsAccounts,
  async () => {
    const former = serverRecord(world.laptop).token;
    const stranger = await robbed();
    try {
      assert.equal((await statusOf(world.laptop)).jupyter.state, 'stopped');
      const again = JSON.parse(await done(world.laptop, 'start', 'loopback', '--json', '--no-browser'));
      assert.equal(again.state, 'connected');
      assert.notEqual(again.jupyter.port, server.jupyter.port);
      assert.equal(again.tunnel.localPort, server.tunnel.localPort);
      assert.notEqual(serverRecord(world.laptop).token, former);
      assert.equal(stranger.received(), '');
    } finally {
      stranger.child.kill('SIGKILL');
      await world.remove();
    }
  },
);

for (const verb of ['restart', 'stop'] as const) {
  test(
    `during a ${verb}, an open page that polls reaches no other user who takes the port`,
    needsAccounts,
    async () => {
      const stranger = await strangerAt(server.jupyter.port);
      let polls = true;
      const polling = (async () => {
        while (polls) await poll(server.tunnel.localPort);
      })();
      try {
        await done(world.laptop, verb, 'loopback', '--yes', ...(verb === 'restart' ? ['--no-browser'] : []));
        await eventually('the other user has the port', stranger.listens);
        assert.equal(stranger.received(), '');
      } finally {
        polls = false;
        await polling;
        stranger.child.kill('SIGKILL');
        await world.remove();
      }
    },
  );
}

test(
  'while a server on a port is dead, restarted or started again, no other user of this machine gets its local port',
  needsAccounts,
  async () => {
    const { localPort } = server.tunnel;
    const stranger = await strangerAt(localPort);
    try {
      for (const end of [false, true]) {
        if (end) process.kill((await statusOf(world.laptop)).jupyter.pid, 'SIGKILL');
        if (end) assert.equal((await statusOf(world.laptop)).jupyter.state, 'stopped');
        const verb = end ? 'start' : 'restart';
        const again = JSON.parse(await done(world.laptop, verb, 'loopback', '--json', '--no-browser'));
        assert.deepEqual([again.state, again.tunnel.localPort], ['connected', localPort]);
      }
      assert.equal(stranger.listens(), false);
      await done(world.laptop, 'stop', 'loopback');
      await eventually('the stranger has waited for it', stranger.listens);
    } finally {
      stranger.child.kill('SIGKILL');
      await world.remove();
    }
  },
);

test(
  'a server that is suspended keeps its port, and its page can still be opened',
  needsAccounts,
  async () => {
    process.kill(server.jupyter.pid, 'SIGSTOP');
    try {
      const { code, stdout, stderr } = await world.laptop.run('open', '--print');
      assert.equal(code, 0, stderr);
      assert.match(stderr, /is not responding/);
      assert.match(stdout, /token=/);
    } finally {
      process.kill(server.jupyter.pid, 'SIGCONT');
      await world.remove();
    }
  },
);

test("another server's cookie secret is not that of a restarted server", needsAccounts, async () => {
  const secret = () => readFileSync(join(serverRecord(world.laptop).folder, 'cookie-secret'), 'utf8');
  try {
    const former = secret();
    await done(world.laptop, 'restart', '--no-browser');
    assert.notEqual(secret(), former);
  } finally {
    await world.remove();
  }
});
