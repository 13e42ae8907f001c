import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { withBlock } from '../../src/shell/start-up-file.ts';
import { missing } from '../hosts/needs.ts';
import { stderrOf } from '../hosts/servers.ts';
import { ALIAS_SHELLS, type AliasShell, runInteractive } from '../hosts/shells.ts';
import { makeFolder } from '../hosts/standing.ts';
import { type Laptop, makeLaptop } from '../hosts/world.ts';

let folder: string;
let laptops = 0;
before(() => {
  folder = makeFolder('rn-aliases-');
});

/** Printing aliases needs no host. */
function aLaptop(): Laptop {
  return makeLaptop(join(folder, `laptop${++laptops}`), '/dev/null', 'none');
}

function configure(laptop: Laptop, text: string): void {
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, text);
}

const ARTICLE = ['username@remote_server_ip', '-d', 'rne', '-e', 'virtual_environment', '-p', '8889'];

for (const shell of ALIAS_SHELLS) {
  test(`aliases --plain prints the article's three lines for ${shell}, and nothing else`, async () => {
    const printed = await aLaptop().run('aliases', ...ARTICLE, '--plain', '--shell', shell);
    assert.equal(
      printed.stdout,
      `alias port_forward='nohup ssh -N -f -L localhost:8889:localhost:8889 username@remote_server_ip'
alias remote_notebook_start='nohup ssh -f username@remote_server_ip "cd rne; . virtual_environment/bin/activate; jupyter notebook --no-browser --port=8889"; port_forward'
alias remote_notebook_stop='ssh username@remote_server_ip "pkill -u username jupyter"'
`,
    );
    assert.deepEqual([printed.code, printed.stderr], [0, '']);
  });
}

test('aliases prints lines that call remote-notebook by its name if it is installed', async () => {
  const laptop = aLaptop();
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'remote-notebook'), '', { mode: 0o755 });
  laptop.env.PATH = `${bin}:${laptop.env.PATH}`;
  const { stdout } = await laptop.run('aliases', ...ARTICLE, '--shell', 'bash');
  assert.equal(
    stdout,
    `alias port_forward='remote-notebook forward remote_server_ip'
alias remote_notebook_start='remote-notebook start username@remote_server_ip --name=remote_server_ip --directory=rne --environment=virtual_environment --port=8889'
alias remote_notebook_stop='remote-notebook stop remote_server_ip'
`,
  );
});

test('the alias that starts a server contains its setup commands in order', async () => {
  const words = [
    'gpu',
    '--setup',
    'module load x',
    '--setup',
    'export Y=1',
    '-e',
    'conda:ml',
    '--shell',
    'bash',
  ];
  const { stdout, stderr } = await aLaptop().run('aliases', ...words);
  const setup = String.raw`--environment=conda:ml '\''--setup=module load x'\'' '\''--setup=export Y=1'\''`;
  assert.ok(stdout.includes(setup), stdout + stderr);
});

const TWO = `servers:
  gpu: { destination: me@gpu, directory: rne }
  größe.2: { destination: me@cpu }
  größe-2: { destination: me@other }
`;

test('with several servers each alias has its own name', async () => {
  const laptop = aLaptop();
  configure(laptop, TWO);
  const { stdout } = await laptop.run('aliases', '--plain', '--shell', 'zsh');
  assert.deepEqual(
    stdout.match(/^alias [^=]+/gm),
    ['gpu', 'größe.2', 'größe-2'].flatMap((name) =>
      ['port_forward', 'remote_notebook_start', 'remote_notebook_stop'].map(
        (alias) => `alias ${alias}_${name}`,
      ),
    ),
  );
  assert.match(stdout, /^alias remote_notebook_start_gpu=.*; port_forward_gpu'$/m);
});

test('the aliases of a configured server contain only its name, unless options are given', async () => {
  const laptop = aLaptop();
  configure(laptop, TWO);
  const startLine = async (...words: string[]) => {
    const { stdout } = await laptop.run('aliases', ...words, '--shell', 'bash');
    return /^alias remote_notebook_start\w*='.*? (start .*)'$/m.exec(stdout)?.[1];
  };
  assert.equal(await startLine('gpu'), 'start gpu');
  assert.equal(await startLine(), 'start gpu');
  assert.equal(await startLine('gpu', '-p', '9000'), 'start me@gpu --name=gpu --directory=rne --port=9000');
  assert.equal(
    await startLine('gpu', '-F', '/dev/null'),
    'start me@gpu --name=gpu --directory=rne --ssh-config=/dev/null',
  );
});

test('a server that is named has aliases without a suffix, however many are configured', async () => {
  const laptop = aLaptop();
  configure(laptop, TWO);
  const { stdout } = await laptop.run('aliases', 'gpu', '--plain', '--shell', 'zsh');
  assert.match(stdout, /^alias port_forward='nohup ssh .* me@gpu'$/m);
  assert.equal(stdout.trimEnd().split('\n').length, 3);
});

test('without --shell the aliases are for the shell in $SHELL', async () => {
  for (const shell of ALIAS_SHELLS) {
    const laptop = aLaptop();
    laptop.env.SHELL = `/usr/local/bin/${shell}`;
    const { stdout } = await laptop.run('aliases', ...ARTICLE, '--json');
    assert.equal(JSON.parse(stdout).shell, shell);
  }
});

for (const SHELL of ['/bin/tcsh', '', undefined]) {
  test(`with ${SHELL || 'nothing'} in $SHELL aliases asks for --shell, and changes nothing`, async () => {
    const laptop = aLaptop();
    if (SHELL === undefined) delete laptop.env.SHELL;
    else laptop.env.SHELL = SHELL;
    const { code, stdout, stderr } = await laptop.run('aliases', ...ARTICLE, '--install');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /bash, zsh or fish\n.*--shell/);
    assert.deepEqual(readdirSync(laptop.env.HOME ?? ''), []);
  });
}

test('an unsupported shell is rejected', async () => {
  const stderr = await stderrOf(2, aLaptop(), 'aliases', ...ARTICLE, '--shell', 'tcsh');
  assert.match(stderr, /tcsh/);
});

const START_UP_FILES: Readonly<Record<AliasShell, string>> = {
  bash: '.bashrc',
  zsh: '.zshrc',
  fish: 'config/fish/config.fish',
};
const OWN_TEXT = "# mine: it's $HOME \\ `x`\nalias ll='ls -l'";
const CHANGED = ['other@host', '--plain'];

for (const shell of ALIAS_SHELLS) {
  const fileOf = (laptop: Laptop) => join(laptop.env.HOME ?? '', START_UP_FILES[shell]);
  const install = async (laptop: Laptop, ...words: string[]) => {
    await stderrOf(0, laptop, 'aliases', ...words, '--shell', shell);
  };

  test(`--install keeps one marked block in ${shell}'s file, and --uninstall removes only that`, async () => {
    const laptop = aLaptop();
    const file = fileOf(laptop);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, OWN_TEXT);
    chmodSync(file, 0o640);
    await install(laptop, ...ARTICLE, '--install');
    const once = readFileSync(file, 'utf8');
    assert.match(
      once,
      /^# >>> remote-notebook aliases >>>\n(alias .*\n){3}# <<< remote-notebook aliases <<<\n$/m,
    );
    assert.equal(readFileSync(`${file}.before-remote-notebook`, 'utf8'), OWN_TEXT);
    const { ino } = statSync(file);
    await install(laptop, ...ARTICLE, '--install');
    assert.equal(readFileSync(file, 'utf8'), once);
    assert.equal(statSync(file).ino, ino, 'a second time it is not even written');
    writeFileSync(file, `${once}# below`);
    await install(laptop, ...CHANGED, '--install');
    const { stdout: lines } = await laptop.run('aliases', ...CHANGED, '--shell', shell);
    assert.equal(
      readFileSync(file, 'utf8'),
      `${OWN_TEXT}\n# >>> remote-notebook aliases >>>\n${lines}# <<< remote-notebook aliases <<<\n# below`,
    );
    await install(laptop, '--uninstall');
    assert.equal(readFileSync(file, 'utf8'), `${OWN_TEXT}\n# below`);
    assert.equal(statSync(file).mode & 0o777, 0o640);
    await install(laptop, '--uninstall');
    assert.equal(readFileSync(file, 'utf8'), `${OWN_TEXT}\n# below`);
  });

  test(`a file of ${shell} that is a link to the user's dotfiles stays a link`, async () => {
    const laptop = aLaptop();
    const file = fileOf(laptop);
    const dotfile = join(laptop.env.HOME ?? '', 'dotfiles', 'rc');
    for (const path of [file, dotfile]) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(dotfile, OWN_TEXT);
    symlinkSync(dotfile, file);
    await install(laptop, ...ARTICLE, '--install');
    assert.ok(lstatSync(file).isSymbolicLink());
    assert.match(readFileSync(dotfile, 'utf8'), /^alias port_forward=/m);
  });

  test(`the installed aliases work in an interactive ${shell}`, { skip: missing(shell) }, async () => {
    const laptop = aLaptop();
    const directory = `it's "my" $HOME \`id\` \\ wow! é`;
    await install(laptop, 'me@host', '--directory', directory, '--install');
    assert.ok(existsSync(fileOf(laptop)));
    const { stdout } = await laptop.run('start', 'me@host', '--directory', directory, '--dry-run', '--plain');
    assert.equal(runInteractive(shell, 'remote_notebook_start --dry-run --plain', laptop.env), stdout);
  });
}

test('text outside the block is never changed, even if a mark is missing', () => {
  const [begin, end] = ['# >>> remote-notebook aliases >>>', '# <<< remote-notebook aliases <<<'];
  const block = `${begin}\nalias a=b\n${end}\n`;
  for (const text of ['', 'x\n', `${begin}\nx\n`, `${end}\nx\n`, `x # ${begin}\n`]) {
    const installed = withBlock('aliases', text, ['alias a=b']);
    assert.equal(installed, text + block);
    assert.equal(withBlock('aliases', installed, ['alias a=b']), installed);
    assert.equal(withBlock('aliases', installed, []), text);
  }
  assert.equal(
    withBlock('aliases', `x\n${block}y`, ["alias a='$& $1'"]),
    `x\n${begin}\nalias a='$& $1'\n${end}\ny`,
  );
});
