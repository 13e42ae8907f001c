import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { makeAccount } from '../hosts/accounts.ts';
import { fine, makeHealthy, only } from '../hosts/diagnosis.ts';
import { NO_ACCOUNTS, NO_ROOT } from '../hosts/needs.ts';
import { programOnHost, standInOnHost } from '../hosts/stand-ins.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import type { World, WorldOptions } from '../hosts/world.ts';

/** What doctor finds on the host itself: its start-up files, its system, its disks and its ports. */

let world: World;
afterEach(() => world.remove());

async function begin(options: WorldOptions = {}): Promise<void> {
  world = await makeHealthy(options);
}

const needsRoot = { skip: NO_ROOT };

test('a start-up file that prints is reported, with its output', async () => {
  await begin();
  writeFileSync(join(world.home, '.bashrc'), 'echo "Welcome to the machine"\n');
  assert.match(
    await only(world, 'start-up files', 'warning'),
    /^print: Welcome to the machine\n.*\[ -t 1 \]/,
  );
});

/** A host whose system says that systemd runs there; what logind would say, a stand-in does. */
async function beginWithLogind(): Promise<void> {
  const inside = [
    // A machine without systemd has neither folder.
    'mount -t tmpfs tmpfs /run',
    'mkdir -p /run/sshd /run/systemd/system',
    'mount -t tmpfs tmpfs /var/lib',
    'mkdir -p /var/lib/systemd/linger',
    'if [ -e "$0" ]; then : >"/var/lib/systemd/linger/$(id -un)"; fi',
    'exec "$@"',
  ];
  const enter = ['unshare', '--mount', 'sh', '-c', inside.join(' && ').replace('fi &&', 'fi;'), LINGERS];
  await begin({ machine: { address: '127.0.0.1', enter } });
  standInOnHost(world, 'busctl');
  programOnHost(world, 'loginctl');
}

/** That this file exists tells the host's namespace, when it is made, that its user lingers. */
const LINGERS = join('/tmp', `rn-lingers-${process.pid}`);

test(
  'a logind that ends what its users leave is reported, and one that does not answer; a stand-in for its bus',
  needsRoot,
  async () => {
    await beginWithLogind();
    assert.match(await only(world, 'logind', 'warning'), /^could not check .*\n.*loginctl enable-linger$/);
    writeFileSync(join(world.home, 'KillUserProcesses'), 'false\n');
    assert.equal(await fine(world, 'logind'), 'KillUserProcesses is off: servers survive a logout');
    writeFileSync(join(world.home, 'KillUserProcesses'), 'true\n');
    assert.match(
      await only(world, 'logind', 'warning'),
      /^KillUserProcesses is on: .*\n.*loginctl enable-linger$/,
    );
  },
);

test(
  'a logind that ends nothing of a user who lingers is no trouble; a stand-in for its bus',
  needsRoot,
  async () => {
    writeFileSync(LINGERS, '');
    try {
      await beginWithLogind();
    } finally {
      rmSync(LINGERS);
    }
    writeFileSync(join(world.home, 'KillUserProcesses'), 'true\n');
    assert.equal(await fine(world, 'logind'), 'lingering is on: servers survive a logout');
  },
);

test('a port of the host that is taken is reported, with its holder', async () => {
  await begin();
  await withTakenPort(async (port) => {
    const output = await only(world, 'port', 'warning', '--port', String(port));
    assert.match(output, new RegExp(`port ${port} of the host is already in use by .*PID ${process.pid}`));
  });
});

test('a port of the host that must be this one and is taken is a failure', async () => {
  await begin();
  await withTakenPort(async (port) => {
    const output = await only(world, 'port', 'failed', '--port', String(port), '--strict-port');
    assert.match(output, /of the host is already in use by .*\nChoose another port with --port/);
  });
});

test("a port that another user's server has is reported, root's too, where nobody may see its process", {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('bash');
  try {
    await begin({ account });
    await withTakenPort(async (port) => {
      const output = await only(world, 'port', 'warning', '--port', String(port));
      assert.match(output, /of the host is already in use by user root\nJupyter uses the next/);
    });
  } finally {
    await account.remove();
  }
});

test('with --socket no port is needed', async () => {
  await begin();
  assert.equal(await fine(world, 'port', '--socket'), 'not needed: Jupyter listens on a socket');
});

test('a directory that is not there is reported', async () => {
  await begin();
  assert.match(await only(world, 'directory', 'failed', '-d', 'no where'), /"no where" does not exist/);
});

test('a directory that cannot be written is reported', needsRoot, async () => {
  await begin();
  const folder = join(world.home, 'archive');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=400m', 'tmpfs', folder]);
  try {
    assert.match(
      await only(world, 'directory', 'warning', '-d', 'archive'),
      /archive is not writable\nNotebooks can be opened there/,
    );
  } finally {
    execFileSync('umount', [folder]);
  }
});

test('a disk that is full is reported', needsRoot, async () => {
  await begin();
  const disk = join(world.home, 'full');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    writeFileSync(join(disk, 'all'), Buffer.alloc(1 << 20));
    assert.match(
      await only(world, 'disk', 'failed', '-d', 'full'),
      /^0 MB free in .*full\nRemove files there/,
    );
  } finally {
    execFileSync('umount', [disk]);
  }
});

for (const [what, options, output] of [
  ['has little room', 'size=100m', /^1\d\d MB free in .*disk\nRemove files there/],
  [
    'has room for few files',
    'size=400m,nr_inodes=20',
    /^room for 1\d more files in .*disk\nRemove files there/,
  ],
] as const) {
  test(`a disk that ${what} is reported`, needsRoot, async () => {
    await begin();
    const disk = join(world.home, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
    try {
      assert.match(await only(world, 'disk', 'warning', '-d', 'disk'), output);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
}

test('a quota that is used up is reported: a stand-in for quota', async () => {
  await begin();
  standInOnHost(world, 'quota');
  assert.match(
    await only(world, 'disk', 'failed'),
    /^over your quota: .*Block limit reached on \/home\nRemove files there/,
  );
});

test('a host that does not report its free space is no failure', async () => {
  await begin();
  programOnHost(world, 'df', 'exit 1');
  assert.equal(await fine(world, 'disk'), 'df reports no number');
});

test('a host without a folder for temporary files is reported', async () => {
  await begin({ environment: { TMPDIR: '/no/such/folder' } });
  assert.match(
    await only(world, 'environment', 'failed'),
    /cannot write \/no\/such\/folder on loopback\nCheck its permissions/,
  );
});
