import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { worldFor } from '../hosts/lasting.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { withOwnEtc } from '../hosts/own-etc.ts';
import { stderrOf } from '../hosts/servers.ts';
import { type Machine, ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import type { World } from '../hosts/world.ts';
import { advice } from './advice.ts';

/** What can be wrong with an account on the host, produced for real: `start` and `doctor` give the remedy for the cause. */

const account: Account | undefined = NO_ACCOUNTS ? undefined : makeAccount('bash', "it's a home!");
after(() => account?.remove());
const needs = { skip: NO_ACCOUNTS };
const { name = '', home = '' } = account ?? {};

/** A host where the account logs in. */
const worldOf = (
  context: TestContext,
  sshdConfig: readonly string[] = [],
  machine?: Machine,
): Promise<World> =>
  worldFor(context, { ...(account ? { account } : {}), sshdConfig, ...(machine ? { machine } : {}) });

/** Changes the account for one test. */
function changed(
  context: TestContext,
  [program, ...args]: readonly [string, ...string[]],
  back: readonly string[],
) {
  execFileSync(program, [...args, name], { stdio: 'ignore' });
  context.after(() => execFileSync(program, [...back, name], { stdio: 'ignore' }));
}

/** This machine with other rules for logins: `account`, `session`. */
const withPam = (rule: Readonly<Record<string, string>>) => {
  const lines = ['auth', 'account', 'session'].map(
    (type) => `${type} required ${rule[type] ?? 'pam_permit.so'}`,
  );
  return withOwnEtc(`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >/etc/pam.d/sshd`);
};

test(
  'for an expired password, the advice is to change it by hand, not to allow forwarding',
  needs,
  async (context) => {
    changed(context, ['chage', '-d', '0'], ['-d', '2026-01-01']);
    const { said, remedy, step } = await advice(await worldOf(context, ['UsePAM yes']));
    assert.match(said, /Your password has expired/);
    assert.match(
      remedy,
      /^Log in once by hand, and choose a new password: ssh -F SSHD\/ssh_config loopback$/,
    );
    assert.equal(step, 'login shell');
  },
);

test(
  'for an expired account, the advice is to ask the administrator to extend it',
  needs,
  async (context) => {
    changed(context, ['chage', '-E', '2020-01-01'], ['-E', '-1']);
    const { said, remedy, step } = await advice(await worldOf(context, ['UsePAM yes']));
    assert.match(said, /: Your account has expired; please contact your system administrator\.$/);
    assert.equal(remedy, "Ask the host's administrator to extend your account.");
    assert.equal(step, 'authentication');
  },
);

test('for a host that is shutting down, the advice is to try again later', needs, async (context) => {
  const machine = withOwnEtc("echo 'System is going down for maintenance.' >/etc/nologin");
  const { said, remedy } = await advice(await worldOf(context, ['UsePAM yes'], machine));
  assert.match(said, /: System is going down for maintenance\.$/);
  assert.equal(remedy, 'The host accepts no logins at the moment. Try again later.');
});

test(
  'if PAM refuses an account, the advice names the log of sshd, since sshd gives no reason',
  needs,
  async (context) => {
    const machine = withPam({ account: 'pam_deny.so' });
    const { said, remedy, step } = await advice(await worldOf(context, ['UsePAM yes'], machine));
    assert.match(said, /: Connection closed by 127\.0\.0\.1 port \d+$/);
    assert.match(remedy, /^sshd ended the login and gave no reason\. Its log on the host has the reason/);
    assert.equal(step, 'authentication');
  },
);

test('for an account with too many logins, the advice is to close other sessions', needs, async (context) => {
  const machine = withPam({ session: 'pam_limits.so' });
  const [program = '', ...args] = machine.enter;
  const enter = [
    program,
    ...args.map((arg) =>
      arg.replace('&& exec', "&& echo '* hard maxlogins 0' >/etc/security/limits.conf && exec"),
    ),
  ];
  const { said, remedy } = await advice(await worldOf(context, ['UsePAM yes'], { ...machine, enter }));
  assert.match(said, /There were too many logins/);
  assert.match(remedy, /^Close your other sessions on the host: maxlogins/);
});

for (const [what, sshdConfig] of [
  ['is not among AllowUsers', ['AllowUsers nobody']],
  ['is among DenyUsers', [`DenyUsers ${name}`]],
  [
    'has a home that others can write, with StrictModes',
    ['StrictModes yes', 'AuthorizedKeysFile .ssh/authorized_keys'],
  ],
] as const) {
  test(`for an account that ${what}, the advice names the log of sshd`, needs, async (context) => {
    const { said, remedy, step } = await advice(await worldOf(context, sshdConfig));
    assert.match(said, /Permission denied \(publickey\)\.$/);
    assert.match(remedy, /If it is installed, sshd's log on the host has the reason: a locked account/);
    assert.equal(step, 'authentication');
  });
}

test(
  'a locked account, and a login shell that does not exist, are named among the reasons',
  needs,
  async (context) => {
    const world = await worldOf(context);
    execFileSync('usermod', ['-L', name]);
    try {
      assert.match((await advice(world)).remedy, /a locked account, its login shell, AllowUsers/);
    } finally {
      execFileSync('usermod', ['-p', '*', name]);
    }
    changed(context, ['usermod', '-s', '/no/such/shell'], ['-s', '/bin/bash']);
    assert.match((await advice(world)).remedy, /a locked account, its login shell, AllowUsers/);
  },
);

test('for a host that accepts only passwords, the advice is to use a terminal', needs, async (context) => {
  const world = await worldOf(context, [
    'PubkeyAuthentication no',
    'PasswordAuthentication yes',
    'UsePAM yes',
  ]);
  const { said, remedy } = await advice(world);
  assert.match(said, /Permission denied \(password\)\.$/);
  assert.equal(remedy, 'The host requires password: run the command on a terminal, where ssh can ask you.');
});

test('for an account without a login shell, the advice is to ask for one', needs, async (context) => {
  changed(context, ['usermod', '-s', '/usr/sbin/nologin'], ['-s', '/bin/bash']);
  const { said, remedy, step } = await advice(await worldOf(context));
  assert.match(said, /it printed: This account is currently not available\.$/);
  assert.match(remedy, /^The account has no login shell \(nologin\)\./);
  assert.equal(step, 'login shell');
});

test(
  'for a login shell that ends at once, the advice names that shell as a possible cause',
  needs,
  async (context) => {
    changed(context, ['usermod', '-s', '/bin/false'], ['-s', '/bin/bash']);
    const { said, remedy } = await advice(await worldOf(context));
    assert.match(said, /^loopback did not run our script: its shell ended before that, with status 1$/);
    assert.match(remedy, /^Either its shell runs no commands, as \/bin\/false does\. /);
  },
);

test('a restricted login shell is named', needs, async (context) => {
  changed(context, ['usermod', '-s', '/bin/rbash'], ['-s', '/bin/bash']);
  const { said, remedy } = await advice(await worldOf(context));
  assert.match(said, /exec: restricted$/);
  assert.match(remedy, /^The login shell is restricted \(rbash\)/);
});

test('a login shell that cannot be run is named', needs, async (context) => {
  const shell = join(makeFolder('rn-shell-'), 'shell');
  chmodSync(join(shell, '..'), 0o755);
  changed(context, ['usermod', '-s', shell], ['-s', '/bin/bash']);
  const world = await worldOf(context);
  for (const text of ['#!/no/such/interpreter\n', 'no program\n']) {
    writeFileSync(shell, text, { mode: 0o755 });
    const { remedy } = await advice(world);
    assert.equal(
      remedy,
      `The login shell ${shell} cannot be run there. Ask the administrator for another one (chsh).`,
    );
  }
});

test('for an account that may only copy files, the advice is to ask for a shell', needs, async (context) => {
  const { said, remedy } = await advice(await worldOf(context, ['ForceCommand internal-sftp']));
  assert.match(said, /This service allows sftp connections only\.$/);
  assert.match(remedy, /^The account may only copy files \(internal-sftp in sshd_config\)/);
});

test(
  'for a key that may run only one command, the advice names the file that sets it',
  needs,
  async (context) => {
    const world = await worldOf(context);
    const { authorizedKeys } = world.sshd;
    writeFileSync(authorizedKeys, `command="echo backups only" ${readFileSync(authorizedKeys, 'utf8')}`);
    const { said, remedy } = await advice(world);
    assert.match(said, /it printed: backups only$/);
    assert.match(remedy, /see ForceCommand in sshd_config, and command= in authorized_keys/);
  },
);

test(
  'for a key that may not forward, start names the file that sets it, unless there is a relay',
  needs,
  async (context) => {
    const world = await worldOf(context);
    const { authorizedKeys } = world.sshd;
    writeFileSync(authorizedKeys, `restrict ${readFileSync(authorizedKeys, 'utf8')}`);
    // The name of the account's home folder has a !, with which no relay is started.
    const stderr = await stderrOf(
      1,
      world.laptop,
      'start',
      'loopback',
      '{F}',
      '--no-browser',
      ...(await ports()),
    );
    assert.match(stderr, /AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key/);
  },
);

test(
  'for a session that sshd does not allow, the advice names the option of sshd',
  needs,
  async (context) => {
    const { remedy } = await advice(await worldOf(context, ['MaxSessions 0']));
    assert.match(remedy, /MaxSessions/);
  },
);

test('a home folder that cannot be entered is named', needs, async (context) => {
  const world = await worldOf(context);
  chmodSync(home, 0);
  context.after(() => chmodSync(home, 0o755));
  const { said, remedy } = await advice(world);
  assert.match(`${said}\n${remedy}`, /home/i);
});
