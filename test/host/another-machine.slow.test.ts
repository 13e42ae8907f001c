import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { withOwnEtc } from '../hosts/own-etc.ts';
import { done, recordOf, type Shown, serverRecord, started, statusOf, stderrOf } from '../hosts/servers.ts';
import { freePort, makeSshd, ownLocalPort, type Sshd } from '../hosts/sshd.ts';
import { eventually, type World } from '../hosts/world.ts';

/** A destination that leads to another machine than before, as that of a rented machine may. */

const needs = { skip: NO_ROOT };
const OTHER = 'loopback now leads to another machine than the one on which "loopback" was started';

/**
 * Another machine at the same destination, with its own host key and machine ID. Its home folder has the path of the first
 * one's, and is empty unless they share it. Only then does it see the sockets of the first one.
 */
async function otherMachine(context: TestContext, world: World, home: 'own' | 'shared'): Promise<Sshd> {
  const own = join(world.home, '..', 'home of the other');
  mkdirSync(own, { recursive: true });
  const unseen = [
    `mount --bind '${own}' '${world.home}'`,
    ...socketFolders(world).map((folder) => `mount -t tmpfs tmpfs '${folder}'`),
  ];
  const mark = world.laptop.env.REMOTE_NOTEBOOK_TEST ?? '';
  const other = await makeSshd({
    environment: { HOME: world.home, REMOTE_NOTEBOOK_TEST: mark },
    machine: withOwnEtc(
      ['echo 11112222333344445555666677778888 >/etc/machine-id', ...(home === 'own' ? unseen : [])].join(
        ' && ',
      ),
    ),
  });
  context.after(() => other.remove());
  writeFileSync(other.authorizedKeys, readFileSync(world.sshd.authorizedKeys));
  return other;
}

/** The folders of the server's sockets, which are outside of the home folder. */
function socketFolders({ laptop }: World): string[] {
  const { jupyter, relay } = recordOf(laptop);
  return [jupyter?.socket, relay?.socket].flatMap((path) => (path ? [dirname(path)] : []));
}

/** Points the destination to another machine, and ends the connection to the first one. */
async function leadTo(other: Sshd, { sshd }: World, { tunnel }: Pick<Shown, 'tunnel'>): Promise<void> {
  const config = readFileSync(sshd.sshConfig, 'utf8');
  writeFileSync(sshd.sshConfig, config.replace(/Port \d+/, `Port ${other.port}`));
  process.kill(tunnel.pid, 'SIGKILL');
}

/** Accepts its host key, as the user does after a look at the fingerprint. */
function accept(other: Sshd, { sshd }: World): void {
  appendFileSync(join(sshd.folder, 'known_hosts'), readFileSync(join(other.folder, 'known_hosts')));
}

function fingerprint(sshd: Sshd): string {
  const text = execFileSync('ssh-keygen', ['-l', '-f', join(sshd.folder, 'host_key.pub')], {
    encoding: 'utf8',
  });
  return text.split(' ')[1] ?? '';
}

async function untilOther({ laptop }: World): Promise<void> {
  await eventually('the status says so', async () =>
    String((await statusOf(laptop)).jupyter.reason).startsWith(OTHER),
  );
}

test(
  'a host that shows another key than before is shown with both, and no verb promises to reconnect',
  needs,
  async (context) => {
    const world = await worldFor(context);
    const { laptop, sshd } = world;
    const first = await started(laptop, ...(await ownLocalPort()));
    const other = await otherMachine(context, world, 'own');
    await leadTo(other, world, first);
    await eventually('the keeper gives up', async () => (await statusOf(laptop)).state === 'failed');
    const keys = `loopback shows ${fingerprint(other)} (ED25519) instead of ${fingerprint(sshd)} (line 1 of `;
    const removal = `ssh-keygen -R loopback -f ${sshd.folder}/known_hosts`;
    const { stdout } = await laptop.run('status');
    assert.match(stdout, /WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n/);
    assert.ok(stdout.includes(keys) && stdout.includes(removal), stdout);
    assert.doesNotMatch(stdout, /notebook forward/);
    assert.ok((await statusOf(laptop)).tunnel.remedy.startsWith(keys));
    for (const words of [['start', 'loopback', '{F}'], ['stop'], ['restart'], ['forward'], ['logs']]) {
      const stderr = await stderrOf(1, laptop, ...words);
      assert.ok(stderr.includes(keys) && stderr.includes(removal), `${words}: ${stderr}`);
    }
    assert.equal(serverRecord(laptop).folder.startsWith(world.home), true);
    assert.ok(world.processes().includes(first.jupyter.pid));
  },
);

for (const where of ['a socket', 'a port']) {
  test(
    `a server on ${where} of another machine than now is neither called gone nor taken for another one`,
    needs,
    async (context) => {
      const world = await worldFor(context);
      const { laptop } = world;
      const port = where === 'a port' ? ['--port', String(await freePort())] : [];
      const first = await started(laptop, ...port, ...(await ownLocalPort()));
      const { folder } = serverRecord(laptop);
      const other = await otherMachine(context, world, 'own');
      accept(other, world);
      await leadTo(other, world, first);
      await untilOther(world);
      const { state, jupyter } = await statusOf(laptop);
      assert.deepEqual([state, jupyter.state, jupyter.pid], ['degraded', 'unknown', first.jupyter.pid]);
      for (const words of [
        ['open', '--print'],
        ['forward'],
        ['logs'],
        ['stop', '--yes'],
        ['restart', '--yes'],
      ]) {
        const stderr = await stderrOf(1, laptop, ...words);
        assert.ok(stderr.includes(OTHER) && stderr.includes('stop loopback --forget'), `${words}: ${stderr}`);
      }
      await done(laptop, 'clean');
      assert.equal(serverRecord(laptop).folder, folder);
      // Another laptop's server there has the same folder for its record.
      const theirs = await started(world.anotherLaptop(), ...port, ...(await ownLocalPort()));
      for (const words of [['stop', '--yes'], ['restart', '--yes'], ['logs']])
        assert.ok((await stderrOf(1, laptop, ...words)).includes(OTHER), words.join(' '));
      assert.ok((await statusOf(laptop)).jupyter.reason.startsWith(OTHER));
      const note = await stderrOf(0, laptop, 'start', 'loopback', '{F}', '--no-browser');
      assert.ok(note.includes(`${OTHER} before; that server cannot be reached any more`), note);
      assert.equal((await statusOf(laptop)).jupyter.pid, theirs.jupyter.pid);
      assert.equal((await statusOf(laptop)).state, 'connected');
      await done(laptop, 'stop');
      assert.ok(world.processes().includes(first.jupyter.pid));
      assert.ok(existsSync(join(folder, 'record')));
    },
  );
}

test('start on another machine than before starts a server there, once', needs, async (context) => {
  const world = await worldFor(context);
  const { laptop } = world;
  const first = await started(laptop, ...(await ownLocalPort()));
  const other = await otherMachine(context, world, 'own');
  accept(other, world);
  await leadTo(other, world, first);
  await untilOther(world);
  const start = ['start', 'loopback', '{F}', '--no-browser'];
  assert.ok((await stderrOf(0, laptop, ...start)).includes(OTHER));
  const second = await statusOf(laptop);
  assert.equal(second.url, first.url);
  assert.notEqual(second.jupyter.pid, first.jupyter.pid);
  assert.ok(!(await stderrOf(0, laptop, ...start)).includes('another machine'));
  assert.equal((await statusOf(laptop)).jupyter.pid, second.jupyter.pid);
  assert.ok(world.processes().includes(first.jupyter.pid));
});

test(
  'machines with one home folder are not taken for another machine: a server that ended is gone',
  needs,
  async (context) => {
    const world = await worldFor(context);
    const { laptop } = world;
    const first = await started(laptop, ...(await ownLocalPort()));
    const other = await otherMachine(context, world, 'shared');
    accept(other, world);
    await leadTo(other, world, first);
    await eventually('the server is found', async () => (await statusOf(laptop)).state === 'connected');
    const second = world.anotherLaptop();
    await started(second);
    await done(second, 'stop');
    assert.equal((await statusOf(laptop)).jupyter.state, 'stopped');
    assert.match(await done(laptop, 'logs'), /is running at/);
  },
);

test('stop --forget removes the record of a server whose host is gone, and nothing else', async (context) => {
  const world = await worldFor(context);
  const { laptop } = world;
  const { jupyter: server, tunnel } = await started(laptop, ...(await ownLocalPort()));
  await world.sshd.stop();
  process.kill(tunnel.pid, 'SIGKILL');
  await stderrOf(1, laptop, 'stop');
  const { stdout } = await laptop.run('stop', '--forget', '--json');
  assert.deepEqual(JSON.parse(stdout), { name: 'loopback', outcome: 'forgotten' });
  assert.equal(await statusOf(laptop), undefined);
  assert.match(
    await stderrOf(2, laptop, 'stop', '--forget', '--all'),
    /--all and --forget cannot be combined/,
  );
  await world.sshd.start();
  const again = await started(laptop);
  assert.deepEqual([again.joined, again.jupyter.pid], [true, server.pid]);
});

test(
  'a machine without an ID is identified by its host key, and one without either is unknown',
  needs,
  () => {
    const identity = (change: string) => {
      const [program = '', ...args] = withOwnEtc(change).enter;
      const script = '. ./src/host/sh/parts/machine.sh; machine_identity';
      return execFileSync(program, [...args, 'sh', '-c', script], { encoding: 'utf8' }).trim();
    };
    const bare = 'rm -f /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub && mount -t tmpfs tmpfs /var/lib';
    const key = (name: string) => `mkdir -p /etc/ssh && echo ${name} >/etc/ssh/ssh_host_ed25519_key.pub`;
    const id = (name: string) => `echo ID ${name} >/etc/machine-id`;
    assert.equal(identity(bare), '');
    const made = [key('a'), key('b'), id('a'), id('b')].map((change) => identity(`${bare} && ${change}`));
    assert.deepEqual(made, [...new Set(made)].filter((text) => /^\d+$/.test(text)).slice(0, made.length));
    assert.equal(identity(`${bare} && ${key('a')} && echo uninitialized >/etc/machine-id`), made[0]);
    assert.equal(identity(`${bare} && ${key('b')} && ${id('a')}`), made[2]);
  },
);
