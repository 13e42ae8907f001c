import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { makeAccount } from '../hosts/accounts.ts';
import { fine, makeHealthy, only } from '../hosts/diagnosis.ts';
import { NO_ACCOUNTS, NO_ROOT } from '../hosts/needs.ts';
import { whereIs } from '../hosts/shells.ts';
import { freePort } from '../hosts/sshd.ts';
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

/** A host on which systemd seems to be running; a stand-in replaces logind. */
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

/** If this file exists when the host's namespace is created, lingering is on for its user. */
const LINGERS = join('/tmp', `rn-lingers-${process.pid}`);

test(
  'a logind that ends processes at logout, or does not respond, is reported (its bus is a stand-in)',
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
  'if lingering is on for the user, the check of logind succeeds (its bus is a stand-in)',
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

test('a port of the host that is in use is reported, with the program that uses it', async () => {
  await begin();
  await withTakenPort(async (port) => {
    const output = await only(world, 'port', 'warning', '--port', String(port));
    assert.match(output, new RegExp(`port ${port} of the host is already in use by .*PID ${process.pid}`));
  });
});

test('with --strict-port, a port of the host that is in use is a failure', async () => {
  await begin();
  await withTakenPort(async (port) => {
    const output = await only(world, 'port', 'failed', '--port', String(port), '--strict-port');
    assert.match(output, /of the host is already in use by .*\nChoose another port with --port/);
  });
});

test('a port in use by another user, or by root, is reported even if the process is hidden', {
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

/** A host on which these programs are not installed. */
async function beginWithout(...programs: readonly string[]): Promise<void> {
  const hidden = programs.flatMap((program) => {
    const path = whereIs(program);
    return path === undefined ? [] : [`mount --bind /dev/null ${path}`];
  });
  const enter = ['unshare', '--mount', 'sh', '-c', [...hidden, 'exec "$@"'].join(' && '), 'sh'];
  await begin({ machine: { address: '127.0.0.1', enter } });
}

test(
  'on a host without ss and lsof, ports in use and free ports are reported correctly',
  needsRoot,
  async () => {
    await beginWithout('ss', 'lsof');
    await withTakenPort(async (port) => {
      const output = await only(world, 'port', 'warning', '--port', String(port));
      assert.match(output, new RegExp(`port ${port} of the host is already in use by .*PID ${process.pid}`));
    });
    assert.match(await fine(world, 'port', '--port', String(await freePort())), /^\d+ is free$/);
  },
);

test('without --port, no port is checked', async () => {
  await begin();
  assert.equal(await fine(world, 'port'), 'not needed: Jupyter listens on a private socket');
});

test('a missing directory is reported', async () => {
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
    execFileSync('umount', ['-l', folder]);
  }
});

test('a full disk is reported', needsRoot, async () => {
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
    execFileSync('umount', ['-l', disk]);
  }
});

for (const [what, options, output] of [
  ['has little room', 'size=100m', /^1\d\d MB free in .*disk\nRemove files there/],
  [
    'has room for few files',
    'size=400m,nr_inodes=20',
    /disk has room for only 1\d more files\nRemove files there/,
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
      execFileSync('umount', ['-l', disk]);
    }
  });
}

test('a used-up quota is reported (quota is a stand-in)', async () => {
  await begin();
  standInOnHost(world, 'quota');
  assert.match(
    await only(world, 'disk', 'failed'),
    /^over your quota: .*Block limit reached on \/home\nRemove files there/,
  );
});

test('it is not a failure if the host does not report its free space', async () => {
  await begin();
  programOnHost(world, 'df', 'exit 1');
  assert.equal(await fine(world, 'disk'), 'df does not report the free space');
});

test('a host without a folder for temporary files is reported', async () => {
  await begin({ environment: { TMPDIR: '/no/such/folder' } });
  assert.match(
    await only(world, 'environment', 'failed'),
    /cannot write to \/no\/such\/folder on loopback: mktemp: .*: No such file or directory\nCheck its permissions/,
  );
});
