import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { PROGRAM } from '../hosts/world.ts';

/** Files that can make remote-notebook run commands, and a second user of this machine who tries to use them for that. */

const lone = loneLaptopPerTest();
const { configure, refused } = lone;

let other: Account;
before(() => {
  if (!NO_ACCOUNTS) other = makeAccount('sh');
});
after(() => other?.remove());

const needsAccounts = { skip: NO_ACCOUNTS };
const CONFIG = 'FILES/l/config/remote-notebook/config.yaml';
const WITH_IT = 'who could use it to run commands as you';
const WORK = 'servers:\n  work:\n    destination: loopback\n';

/** Runs a line of shell as the other user, in the laptop's folder, which they may look into. */
function asOther(line: string): void {
  chmodSync(lone.folder, 0o755);
  const { uid, gid } = other;
  const { status, stderr } = spawnSync('sh', ['-c', line], { uid, gid, cwd: lone.folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

function changeable(file: string, mode: number): string {
  return `Error: ${file} can be changed by other users (mode ${mode.toString(8)}), ${WITH_IT}
Check its contents, then run: chmod go-w ${file}
`;
}

function belongsToOther(file: string): string {
  return `Error: ${file} belongs to another user (uid ${other.uid}), ${WITH_IT}
Run remote-notebook as that user. Or check its contents, then run: chown ${userInfo().username} ${file}
`;
}

for (const mode of [0o646, 0o666]) {
  test(`every verb refuses a config.yaml of mode ${mode.toString(8)}, with the command that fixes it`, async () => {
    configure(WORK);
    const { configurationFile } = lone.laptop;
    chmodSync(configurationFile, mode);
    for (const args of [['start', 'work', '{F}'], ['doctor'], ['config'], ['start', 'other', '--save', 'x']])
      assert.equal(await refused(...args), changeable(CONFIG, mode));
    chmodSync(configurationFile, mode & ~0o022);
    assert.equal((await lone.laptop.run('config', 'check')).code, 0);
  });
}

test('a group with other users may not write config.yaml', needsAccounts, async () => {
  configure(WORK);
  const { configurationFile } = lone.laptop;
  chmodSync(configurationFile, 0o664);
  chownSync(configurationFile, 0, other.gid);
  assert.equal(await refused('start', 'work', '{F}'), changeable(CONFIG, 0o664));
});

test(
  "the user's own group may write config.yaml and its folders, as with a umask of 002",
  needsAccounts,
  () => {
    configure(WORK);
    const { uid, gid, name } = other;
    const { configurationFile, env } = lone.laptop;
    const [node = '', ...program] = PROGRAM;
    const check = () => spawnSync(node, [...program, 'config', 'check'], { uid, gid, env, encoding: 'utf8' });
    const entries = [lone.folder, join(lone.folder, 'l'), dirname(dirname(configurationFile))];
    for (const folder of [...entries, dirname(configurationFile)]) {
      chownSync(folder, uid, gid);
      chmodSync(folder, 0o775);
    }
    chownSync(configurationFile, uid, gid);
    chmodSync(configurationFile, 0o664);
    const { status, stderr } = check();
    assert.equal(status, 0, stderr);
    // With a second member, the group is not the user's own.
    execFileSync('gpasswd', ['--add', 'root', name]);
    assert.match(check().stderr, /can be changed by other users/);
  },
);

test('a command that another user wrote into config.yaml is not run', needsAccounts, async () => {
  configure(WORK);
  chmodSync(lone.laptop.configurationFile, 0o666);
  asOther(`printf '    ssh-config: ${lone.folder}/ssh_config\\n' >>l/config/remote-notebook/config.yaml`);
  assert.match(readFileSync(lone.laptop.configurationFile, 'utf8'), /ssh-config/);
  assert.equal(await refused('start', 'work'), changeable(CONFIG, 0o666));
});

test('a config.yaml that another user has put in place of ours is refused', needsAccounts, async () => {
  configure(WORK);
  const folder = dirname(lone.laptop.configurationFile);
  chmodSync(folder, 0o777);
  asOther('cd l/config/remote-notebook && cp config.yaml new && mv -f new config.yaml');
  assert.equal(await refused('start', 'work', '{F}'), belongsToOther(CONFIG));
});

test('a folder above config.yaml in which others can replace it is reported', async () => {
  configure(WORK);
  for (const folder of ['l', 'l/config', 'l/config/remote-notebook']) {
    const path = join(lone.folder, folder);
    chmodSync(path, 0o757);
    assert.equal(await refused('start', 'work', '{F}'), changeable(`FILES/${folder}`, 0o757));
    chmodSync(path, 0o755);
  }
  // In such a folder, /tmp for example, nobody can replace the files of others.
  chmodSync(join(lone.folder, 'l'), 0o1777);
  assert.equal((await lone.laptop.run('config', 'check')).code, 0);
});

test(
  'each link on the way to config.yaml is verified: a dotfiles folder that others can change is reported',
  needsAccounts,
  async () => {
    configure(WORK);
    const { configurationFile } = lone.laptop;
    const dotfiles = join(lone.folder, 'dotfiles');
    const between = join(lone.folder, 'between');
    for (const folder of [dotfiles, between]) mkdirSync(folder);
    renameSync(configurationFile, join(dotfiles, 'config.yaml'));
    symlinkSync(join(dotfiles, 'config.yaml'), join(between, 'link'));
    symlinkSync(join(between, 'link'), configurationFile);
    assert.equal((await lone.laptop.run('config', 'check')).code, 0);
    for (const folder of [dotfiles, between]) {
      chmodSync(folder, 0o777);
      const name = folder.replace(lone.folder, 'FILES');
      assert.equal(await refused('start', 'work', '{F}'), changeable(name, 0o777));
      chmodSync(folder, 0o755);
    }
    chownSync(join(dotfiles, 'config.yaml'), other.uid, other.gid);
    assert.equal(await refused('start', 'work', '{F}'), belongsToOther(CONFIG));
  },
);

test('other users can use a config.yaml that root owns', needsAccounts, async () => {
  configure('servers: {}\n');
  chmodSync(lone.folder, 0o755);
  const { uid, gid } = other;
  const { env } = lone.laptop;
  const [node = '', ...program] = PROGRAM;
  const { status, stderr } = spawnSync(node, [...program, 'config', 'check'], {
    env,
    uid,
    gid,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test(
  'an ssh_config that others can change is not read, whether an option, config.yaml or a record names it',
  needsAccounts,
  async () => {
    const sshConfig = join(lone.folder, 'ssh_config');
    configure(`${WORK}    ssh-config: ${sshConfig}\n`);
    chmodSync(sshConfig, 0o646);
    for (const args of [
      ['start', 'work'],
      ['start', 'loopback', '{F}'],
      ['hosts', '{F}'],
      ['stop', 'work'],
    ])
      assert.equal(await refused(...args), changeable('FILES/ssh_config', 0o646));
    chmodSync(sshConfig, 0o600);
    chownSync(sshConfig, other.uid, other.gid);
    for (const args of [
      ['start', 'work'],
      ['doctor', 'loopback', '{F}'],
    ])
      assert.equal(await refused(...args), belongsToOther('FILES/ssh_config'));
    chownSync(sshConfig, 0, 0);
    const kept = { spec: { name: 'kept', destination: 'loopback', sshConfig }, forwards: { further: [] } };
    mkdirSync(lone.laptop.stateFolder, { recursive: true, mode: 0o700 });
    const state = JSON.stringify({ version: 1, servers: { kept } });
    writeFileSync(join(lone.laptop.stateFolder, 'state.json'), state, { mode: 0o600 });
    chmodSync(sshConfig, 0o606);
    for (const verb of ['start', 'stop', 'restart', 'logs'])
      assert.equal(await refused(verb, 'kept'), changeable('FILES/ssh_config', 0o606));
  },
);

test('/dev/null is accepted as the ssh_config, since nobody can store anything in it', async () => {
  const { stderr, code } = await lone.laptop.run('hosts', '-F', '/dev/null');
  assert.equal(code, 0, stderr);
});

test('a state file that another user owns or can write is refused', needsAccounts, async () => {
  const { stateFolder } = lone.laptop;
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const file = join(stateFolder, 'state.json');
  writeFileSync(file, '{"version": 1, "servers": {}}', { mode: 0o600 });
  const name = file.replace(lone.folder, 'FILES');
  chownSync(file, other.uid, other.gid);
  for (const verb of ['status', 'stop', 'clean']) assert.equal(await refused(verb), belongsToOther(name));
  chownSync(file, 0, 0);
  // Another user, who may write it, could keep it open or link to it from elsewhere.
  linkSync(file, join(lone.folder, 'link'));
  chmodSync(file, 0o666);
  assert.equal(await refused('status'), changeable(name, 0o666));
});

test('a folder above the state folder in which others can replace it is reported', async () => {
  const { stateFolder } = lone.laptop;
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  chmodSync(dirname(stateFolder), 0o777);
  for (const args of [['status'], ['start', 'loopback', '{F}'], ['clean']])
    assert.equal(await refused(...args), changeable('FILES/l/s', 0o777));
});

test(
  'aliases and completion are not written to a start-up file that another user can change',
  needsAccounts,
  async () => {
    configure('servers: { work: { destination: gpu } }\n');
    const bashrc = join(lone.folder, 'l', '.bashrc');
    writeFileSync(bashrc, '# mine\n');
    chmodSync(bashrc, 0o622);
    for (const verb of ['aliases', 'completion'])
      assert.equal(await refused(verb, '--install'), changeable('FILES/l/.bashrc', 0o622));
    unlinkSync(bashrc);
    asOther(`echo '# theirs' >"${other.home}/theirs"`);
    symlinkSync(join(other.home, 'theirs'), bashrc);
    assert.equal(await refused('completion', '--install'), belongsToOther('FILES/l/.bashrc'));
    assert.ok(lstatSync(bashrc).isSymbolicLink());
  },
);

test('a named pipe in place of a file is reported, and nothing waits for it', async () => {
  const { stateFolder } = lone.laptop;
  const pipe = join(lone.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.match(await refused('start', 'work', '-F', pipe), /cannot read the ssh_config .*not a regular file/);
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  execFileSync('mkfifo', [join(stateFolder, 'state.json')]);
  const { code, stderr } = await lone.laptop.run('status');
  assert.equal(code, 1);
  assert.match(stderr, /cannot read .*state\.json: it is not a regular file/);
});
