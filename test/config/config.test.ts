import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { done } from '../hosts/servers.ts';
import { makeFolder } from '../hosts/standing.ts';
import { type Laptop, makeLaptop } from '../hosts/world.ts';

let folder: string;
let laptop: Laptop;
let sshConfig: string;
beforeEach(() => {
  folder = makeFolder('rn-config-');
  sshConfig = join(folder, 'ssh_config');
  laptop = makeLaptop(join(folder, 'laptop'), sshConfig, 'none');
});

const TEXT = `# mine
default: work
servers:
  work:
    destination: me@gpu
    port: 9000
  play: { destination: other }
`;

function configure(text: string): void {
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, text);
}

test('config path prints the path of the file, even if it does not exist', async () => {
  assert.equal(await done(laptop, 'config', 'path'), `${laptop.configurationFile}\n`);
  assert.deepEqual(JSON.parse(await done(laptop, 'config', 'path', '--json')), {
    path: laptop.configurationFile,
  });
  assert.equal(existsSync(laptop.configurationFile), false);
});

test('config path is below ~/.config if XDG_CONFIG_HOME is not set or not an absolute path', async () => {
  for (const value of ['', 'relative']) {
    laptop.env.XDG_CONFIG_HOME = value;
    const expected = join(laptop.env.HOME as string, '.config', 'remote-notebook', 'config.yaml');
    assert.equal(await done(laptop, 'config', 'path'), `${expected}\n`);
  }
});

test('config shows the configuration as YAML and as JSON', async () => {
  configure(TEXT);
  const expected = parse(TEXT);
  for (const words of [['config'], ['config', 'show']])
    assert.deepEqual(parse(await done(laptop, ...words)), expected);
  assert.deepEqual(JSON.parse(await done(laptop, 'config', 'show', '--json')), {
    path: laptop.configurationFile,
    ...expected,
  });
});

test('config check reports that the file is valid, and the number of servers', async () => {
  configure(TEXT);
  const { code, stdout, stderr } = await laptop.run('config', 'check');
  assert.deepEqual([code, stdout, stderr], [0, '', `${laptop.configurationFile} is valid (2 servers).\n`]);
});

test('without a file, config shows how to create one', async () => {
  const { code, stdout, stderr } = await laptop.run('config');
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(
    stderr,
    /config\.yaml contains no servers\. Add one with remote-notebook init, or start … --save NAME\.\n$/,
  );
});

test('an unknown action of config is an error that lists the known ones', async () => {
  const { code, stderr } = await laptop.run('config', 'edit');
  assert.deepEqual([code, stderr], [2, 'Error: unknown action "edit"\nUse one of: show, path, check\n']);
});

test('hosts prints each destination of an ssh_config on its own line, or as JSON', async () => {
  writeFileSync(join(folder, 'more'), 'Host included\n');
  writeFileSync(sshConfig, `Include ${folder}/mor?\nHost gpu big-gpu *.example.org\n  User me\nHost *\n`);
  assert.equal(await done(laptop, 'hosts', '{F}'), 'included\ngpu\nbig-gpu\n');
  assert.deepEqual(JSON.parse(await done(laptop, 'hosts', '{F}', '--json')), {
    hosts: ['included', 'gpu', 'big-gpu'],
  });
});

test('an ssh_config without hosts is not an error', async () => {
  writeFileSync(sshConfig, 'Host *\n');
  const { code, stdout, stderr } = await laptop.run('hosts', '{F}');
  assert.deepEqual(
    [code, stdout, stderr],
    [0, '', `${sshConfig} contains no hosts. You can also use user@host.\n`],
  );
});
