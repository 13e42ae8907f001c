import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parseConfiguration, readConfiguration, saveServer } from '../../src/config/file.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = makeFolder('rn-configuration-');
  file = join(folder, 'new', 'config.yaml');
});

const EMPTY = { default: undefined, jobs: {}, servers: {} };

test('a file that is missing, empty, or only contains comments has no servers', async () => {
  assert.deepEqual(await readConfiguration(file), EMPTY);
  for (const text of ['', '\n', '# nothing yet\n', '---\n', 'servers: {}\n', '{}\n'])
    assert.deepEqual(await parseConfiguration(text, file), EMPTY, JSON.stringify(text));
});

test('each key of a server has the name of its option', async () => {
  const text = `default: work
servers:
  work:
    destination: me@gpu
    directory: rne
    setup:
      - module load python
      - export X='a b'
    environment: venv
    command: jupyter lab
    port: 9000
    local-port: 9001
    strict-port: true
  "2": { destination: other }
`;
  assert.deepEqual(await parseConfiguration(text, file), {
    default: 'work',
    jobs: {},
    servers: {
      2: { destination: 'other' },
      work: {
        destination: 'me@gpu',
        directory: 'rne',
        setup: ['module load python', "export X='a b'"],
        environment: 'venv',
        command: 'jupyter lab',
        port: 9000,
        localPort: 9001,
        strictPort: true,
      },
    },
  });
});

/** The content of the file, and the message after its name. */
const MISTAKES: readonly (readonly [text: string, message: string])[] = [
  ['default: [\n', ':2: '],
  ['- work\n', ': the file is a list, but a mapping is expected'],
  ['just text\n', ': the file is "just text", but a mapping is expected'],
  ['servers:\n  - work\n', ':1: servers is a list, but a mapping is expected'],
  ['servers:\n  work: gpu\n', ':2: servers.work is "gpu", but a mapping is expected'],
  ['servers:\n  work: {}\n', ':2: servers.work.destination is missing'],
  ['servers:\n  work:\n    destination: gpu\n    port: 0\n', ':4: servers.work.port is 0, but a whole'],
  ['servers:\n  work:\n    destination: gpu\n    port: "1"\n', ':4: servers.work.port is "1", but a number'],
  ['servers:\n  work:\n    destination: gpu\n    Port: 1\n', ':4: servers.work.Port is unknown'],
  ['servers:\n  work:\n    destination: gpu\nnotes: x\n', ':4: notes is unknown'],
  [
    'servers:\n  work: { destination: gpu, ssh-config: lab.conf }\n',
    ':2: servers.work: ssh-config is "lab.conf", which is not an absolute path',
  ],
  [
    'servers:\n  work:\n    destination: gpu\n    setup: module load x\n',
    ':4: servers.work.setup is "module load x", but a list of lines is expected',
  ],
  [
    'servers:\n  work:\n    destination: gpu\n    setup: [1]\n',
    ':4: servers.work.setup.0 is 1, but a string is expected',
  ],
  [
    'servers:\n  work:\n    destination: gpu\n    environment: "mamba:ml"\n',
    ':2: servers.work: unknown environment "mamba:ml"',
  ],
  ['servers:\n  work:\n    destination: -oX\n', ':2: servers.work: the destination "-oX" begins'],
  ['servers:\n  a/b:\n    destination: gpu\n', ':2: servers.a/b: "a/b" cannot be'],
  ['default: toString\nservers:\n  work: { destination: gpu }\n', ': default is "toString"'],
  ['default: play\nservers:\n  work: { destination: gpu }\n', ': default is "play"'],
];

for (const [text, message] of MISTAKES) {
  test(`a mistake is reported with its place: ${message.replace(/^[:\d ]+/, '') || 'broken YAML'}`, async () => {
    await assert.rejects(parseConfiguration(text, '/config.yaml'), (error: Error) => {
      assert.equal(error.message.slice(0, `/config.yaml${message}`.length), `/config.yaml${message}`);
      return true;
    });
  });
}

test('saving the first server creates the file, readable only by its owner', async () => {
  await saveServer(file, 'work', { destination: 'gpu', directory: '', setup: [], port: 8889 });
  assert.equal(readFileSync(file, 'utf8'), 'servers:\n  work:\n    destination: gpu\n    port: 8889\n');
  assert.deepEqual([statSync(file).mode & 0o777, statSync(join(folder, 'new')).mode & 0o777], [0o600, 0o700]);
});

test('saving keeps every comment and every other server', async () => {
  file = join(folder, 'config.yaml');
  const text = `# My servers. Ask Ada before you change the port.
default: work   # what I mean

servers: # mine

  # the big one
  work: # by day
    # for now
    destination: gpu # in the cellar
    directory: "rne"
    setup: # in this order
      - module load python # 3.11
  play: { destination: other }
`;
  writeFileSync(file, text);
  await saveServer(file, 'new', { destination: 'me@host', directory: "it's: #1" });
  const added = `  new:\n    destination: me@host\n    directory: "it's: #1"\n`;
  assert.equal(readFileSync(file, 'utf8'), text.replace('work   #', 'work #') + added);
  const { default: meant, servers } = await readConfiguration(file);
  assert.deepEqual(
    [meant, Object.keys(servers), servers.new],
    ['work', ['work', 'play', 'new'], { destination: 'me@host', directory: "it's: #1" }],
  );
});

test('saving a server again replaces it and nothing else', async () => {
  await saveServer(file, 'a', { destination: 'first', port: 1 });
  await saveServer(file, 'b', { destination: 'second' });
  await saveServer(file, 'a', { destination: 'third' });
  assert.deepEqual((await readConfiguration(file)).servers, {
    a: { destination: 'third' },
    b: { destination: 'second' },
  });
});

test('nothing is saved to a file that is not valid', async () => {
  file = join(folder, 'config.yaml');
  writeFileSync(file, 'servers: [\n');
  await assert.rejects(saveServer(file, 'a', { destination: 'gpu' }), /config\.yaml:2: /);
  assert.equal(readFileSync(file, 'utf8'), 'servers: [\n');
});
