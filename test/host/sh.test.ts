import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { singleQuoted } from '../../src/system/command.ts';
import { startTimeOf } from '../../src/system/process.ts';
import { missing } from '../hosts/needs.ts';
import { AWKWARD_FOLDERS } from '../hosts/shells.ts';

/** The functions of the scripts' parts, in each shell that may be a host's /bin/sh. */

const SHELLS = [['dash'], ['bash', '--posix'], ['busybox', 'sh']] as const;

/** All parts that only define functions and variables. */
const PARTS = [
  'system/process.sh',
  ...['report', 'places', 'processes', 'record', 'lock', 'detached'].map(
    (name) => `host/sh/parts/${name}.sh`,
  ),
  'host/sh/launchers/direct.sh',
  ...['variables', 'environment', 'jupyter', 'port-holder'].map((name) => `host/sh/parts/${name}.sh`),
];

const parts = PARTS.map((name) =>
  readFileSync(fileURLToPath(new URL(`../../src/${name}`, import.meta.url)), 'utf8'),
).join('\n');

/** A command that no other test runs. */
const sleepOfItsOwn = () => `sleep ${randomInt(1e6, 1e9)}`;

/** Lines of sh that wait until no process with this command line is left, at most for some seconds, and then print those that are. */
const untilNone = (command: string) => `looks=0
  until [ -z "$(ps -A -o args | grep '^${command}')" ] || [ $looks -gt 500 ]; do nap; looks=$((looks + 1)); done
  ps -A -o args | grep '^${command}'`;

/** Creates the folder of a record in a home folder. */
function makeRecord(home: string): string {
  const record = join(home, 'state/remote-notebook/servers/record');
  mkdirSync(record, { recursive: true, mode: 0o700 });
  return record;
}

for (const [shell, ...options] of SHELLS) {
  describe(shell, { skip: missing(shell) }, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "rn sh's-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    /** What these lines print after the parts, with an empty folder as $folder and $here. */
    function printed(lines: string, env: NodeJS.ProcessEnv = {}): string {
      const place = singleQuoted(folder);
      const text = `first_line=$$\n${parts}\nfolder=${place} here=${place} launch=test\ncd "$here"\n${lines}\n`;
      const { stdout, stderr } = spawnSync(shell, [...options, '-s'], {
        input: `{\n${text}\n} </dev/null\n`,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), ...env },
      });
      // bash reports jobs that were killed.
      assert.doesNotMatch(stderr, /^(?!.*(?:Killed|Terminated) ).+$/m);
      return stdout.replace(/^\n|^@remote-notebook alive\n/gm, '');
    }

    test('variables of an environment reach the code that runs in it, and not the script', () => {
      const code = `export folder=/x here=/y entered=/z command=false OWN="it's
two lines"; readonly code=1; cd /`;
      const lines = `enter_by ${singleQuoted(code)} && printf '%s|' "$folder" "$here" "$command" &&
        for name in folder here command OWN PWD; do printf '%s|' "$(in_environment value_of $name)"; done`;
      const within = ['/x', '/y', 'false', "it's\ntwo lines", folder];
      assert.equal(printed(lines), [folder, folder, '', ...within, ''].join('|'));
    });

    test('environments can be entered one after the other, and leave no helper variables', () => {
      const lines = `enter_by 'export ONE=1' && enter_by 'export TWO=2$ONE' && in_environment env`;
      const variables = printed(lines).split('\n');
      assert.ok(variables.includes('ONE=1') && variables.includes('TWO=21'), variables.join('\n'));
      assert.ok(!variables.some((variable) => variable.startsWith('REMOTE_NOTEBOOK')));
      printed('remove_passing "$folder"');
      assert.deepEqual(readdirSync(folder), []);
    });

    test('code that fails, exits or is not valid changes no environment, and its output is kept', () => {
      for (const code of ['echo words; false', 'echo words; exit 0']) {
        const lines = `export BEFORE=yes; enter_by ${singleQuoted(code)} || { cat "$folder/output"; in_environment value_of BEFORE; }`;
        assert.equal(printed(lines), 'words\nyes', code);
        printed('remove_passing "$folder"');
      }
      assert.equal(
        printed(`enter_by 'if then' || report_log "$folder/output" | wc -l | tr -d ' '`) !== '0\n',
        true,
      );
    });

    test('a command that takes too long is ended, with all processes that it has started', () => {
      const sleep = sleepOfItsOwn();
      const lines = `enter_within 1 sh -c '${sleep} & ${sleep}' || echo "late$helper"; ${untilNone(sleep)}`;
      assert.equal(printed(lines), 'late\n');
    });

    test('a line that is added to the environment applies after everything that was entered', () => {
      const lines = `enter_by 'export ONE=1' && adjust_environment 'export TWO="$ONE$ONE"' && in_environment value_of TWO`;
      assert.equal(printed(lines), '11');
      assert.equal(
        printed(`adjust_environment 'PATH=$PATH:/x'; in_environment value_of PATH`),
        `${process.env.PATH}:/x`,
      );
    });

    test('arguments are passed to the environment unchanged, quoted or not', () => {
      const words = [...AWKWARD_FOLDERS, 'two\nlines', ''];
      const lines = `enter_by : && for word in ${words.map(singleQuoted).join(' ')}; do
          quote "$word" && eval "printf '%s|' $quoted" && (in_environment "printf '%s|'" "$word")
        done`;
      assert.equal(printed(lines), words.map((word) => `${word}|${word}|`).join(''));
    });

    test('a command is found on the PATH of its environment, and may be any shell code', () => {
      const bin = join(folder, 'bin');
      const lines = (command: string) => `environment=conda:x
        enter_by 'export PATH="$HOME/bin:$PATH" NAME=mine'
        mkdir -p bin; printf '%s\\n' '#!/bin/sh' 'printf "[%s]" "\${0##*/}" "$@"' >bin/mine; chmod +x bin/mine; cp bin/mine bin/jupyter
        command=${singleQuoted(command)}
        choose_command; (in_environment "exec $run" --port=1 'a b')`;
      assert.equal(printed(lines('mine lab "x y"')), '[mine][lab][x y][--port=1][a b]');
      assert.equal(printed(lines('$NAME lab')), '[mine][lab][--port=1][a b]');
      assert.equal(printed(lines("mine lab 'it''s' # my own")), '[mine][lab][its][--port=1][a b]');
      assert.equal(printed(lines("true && mine 'x'")), '[mine][x][--port=1][a b]');
      assert.match(
        printed(lines('no-such lab')),
        new RegExp(`where ${bin}:.*\\n.*failed jupyter no-such\\n$`),
      );
    });

    test('the last line of a record with a key applies, and a job is on every node of a pool', () => {
      const read = (...record: readonly string[]) => {
        writeFileSync(join(folder, 'record'), `${record.join('\n')}\n`);
        return printed(
          'read_record "$folder"; printf "%s " "$record_pid" "$record_launch"; if is_elsewhere; then echo elsewhere; else echo here; fi',
        );
      };
      assert.equal(
        read('launch a b', 'pid 1', `node ${hostname()}`, 'pid 2', 'of_later_versions x'),
        '2 a b here\n',
      );
      assert.equal(read('pid 1', 'node another'), '1  elsewhere\n');
      assert.equal(read('job slurm 17', 'node another'), '  here\n');
    });

    test('a detached process has a record, keeps running, and can be ended with all processes that it has started', () => {
      const lines = `name=x directory=d from=laptop
        more() { keep command "$command"; }
        begin "sh -c 'echo words; sleep 986 & sleep 986' sh" && put_on_record more && record_lives "$folder" && echo lives
        until [ -n "$(descendants "$pid")" ]; do nap; done; all="$pid $(descendants "$pid")"
        cat "$folder/log"; undo_begun
        for each in $all; do [ -z "$(start_time "$each")" ] || echo "left: $each"; done; ls "$folder"`;
      assert.equal(printed(lines), 'lives\nwords\n');
    });

    test('the lock of a process that has ended is taken over, and releasing it removes the folder', () => {
      const record = makeRecord(folder);
      symlinkSync(`other ${hostname()} 4194999 1`, join(record, 'lock'));
      const lines =
        'folder=$SERVERS/record; take_lock "$folder" && readlink "$folder/lock"; release_lock "$folder"';
      assert.match(printed(lines), new RegExp(`^test ${hostname()} \\d+ \\d+\n$`));
      assert.ok(!existsSync(record));
    });

    test('a script waits for the lock of a running process', async () => {
      symlinkSync(
        `other ${hostname()} ${process.pid} ${await startTimeOf(process.pid)}`,
        join(makeRecord(folder), 'lock'),
      );
      const lines =
        'folder=$SERVERS/record; (sleep 0.3; echo released; rm "$folder/lock") & take_lock "$folder"; echo taken';
      assert.equal(printed(lines), 'released\ntaken\n');
    });

    test('a process is ended, and on request all processes that it has started', () => {
      const sleep = sleepOfItsOwn();
      const lines = `${sleep} & end_process $! "$(start_time $!)"
        sh -c '${sleep} & ${sleep} & wait' & until [ "$(descendants $! | wc -l)" -eq 2 ]; do nap; done
        end_tree $! "$(start_time $!)"; ${untilNone(sleep)}`;
      assert.equal(printed(lines), 'terminated\nterminated\n');
    });

    test('a process that is killed leaves nothing of what it is starting at that moment', () => {
      const sleep = sleepOfItsOwn();
      const lines = `sh -c 'while :; do ${sleep} >/dev/null 2>&1 & ls >/dev/null; done' & until [ -n "$(descendants $!)" ]; do nap; done
        kill_tree $! "$(start_time $!)"; ${untilNone(sleep)}`;
      assert.equal(printed(lines), '');
    });

    test('what a process has started is killed although something else kills that process meanwhile', () => {
      const sleep = sleepOfItsOwn();
      const lines = `sh -c '${sleep} >/dev/null 2>&1 & wait' & root=$! root_start_time=$(start_time $!)
        until [ -n "$(descendants $root)" ]; do nap; done
        ps() { command ps "$@"; kill -KILL "$root" 2>/dev/null; }
        kill_tree "$root" "$root_start_time"; ${untilNone(sleep)}`;
      assert.equal(printed(lines), '');
    });

    test('a process with the PID of another one is not ended', () => {
      const lines = `sleep 983 & end_process $! 1; end_tree $! 1; kill_tree $! 1; is_alive $! "$(start_time $!)" && echo lives
        kill $!; for each in 0 1 -1 01 x ''; do ! is_alive "$each" "$(start_time "$each")" || echo "$each"; done`;
      assert.equal(printed(lines), 'gone\ngone\nlives\n');
    });

    test('a value with a line break is not written to a record, and stays one line when it is reported', () => {
      const value = singleQuoted('x\npid 1');
      assert.equal(
        printed(`(keep name ${value} 3>record); cat record; (keep name 'é x' 3>record); cat record`),
        '@remote-notebook failed control name x?pid 1\nname é x\n',
      );
      assert.equal(printed(`report note ${value}`), '@remote-notebook note x?pid 1\n');
    });

    test('a directory is refused if a part of its real path ends in a line break, and is not mixed up', () => {
      mkdirSync(join(folder, 'd'));
      mkdirSync(join(folder, 'd\n'));
      symlinkSync('d\n', join(folder, 'link'));
      assert.equal(
        printed('go_to_directory link'),
        `@remote-notebook failed control directory ${folder}/d?\n`,
      );
      assert.equal(printed('go_to_directory d && printf %s "$here"'), join(folder, 'd'));
    });

    test('only a socket of ours and a runtime file of Jupyter are removed with a record', async () => {
      const own = join(folder, 'remote-notebook-a1B2c3');
      const files = [join(folder, 'file'), join(folder, 'jupyter.sock'), join(own, 'jupyter.sock')];
      mkdirSync(own);
      for (const file of files) writeFileSync(file, 'mine');
      for (const file of files) {
        writeFileSync(join(folder, 'server.json'), 'mine');
        writeFileSync(join(folder, 'record'), `socket ${file}\nruntime ${file}\n`);
        printed('remove_record "$folder"');
        assert.ok(existsSync(file), file);
      }
      const socket = join(own, 'jupyter.sock');
      rmSync(socket);
      const server = createServer().listen(socket).unref();
      await once(server, 'listening');
      writeFileSync(join(folder, 'record'), `socket ${socket}\n`);
      printed('remove_record "$folder"');
      assert.ok(!existsSync(own));
      server.close();
    });

    test('~ at the beginning of a path is the home folder, and a path is never an option', () => {
      const cases = {
        '': folder,
        '~': folder,
        '~/a b': `${folder}/a b`,
        '-x': './-x',
        'a~': 'a~',
        '/a': '/a',
      };
      const words = Object.keys(cases).map(singleQuoted).join(' ');
      assert.equal(
        printed(`for each in ${words}; do expand_home "$each"; printf '%s|' "$path"; done`),
        `${Object.values(cases).join('|')}|`,
      );
    });

    test('the Python of a program is read from its first lines, as pip, conda and uv write them', () => {
      const bin = join(folder, 'env', 'bin');
      mkdirSync(bin, { recursive: true });
      const python = join(bin, 'python3');
      writeFileSync(python, '', { mode: 0o755 });
      const cases = [
        [`#!/bin/sh\n'''exec' "${python}" "$0" "$@"\n' '''\n`, python],
        ['#!/bin/bash\n', ''],
        ['#!/bin/sh\nexec jupyter-lab "$@"\n', ''],
        ['#!/usr/bin/env python3\nimport sys\n', python],
        [`#!/bin/sh\n'''exec' "$(dirname "$0")"/'python' "$0" "$@"\n' '''\n`, ''],
        ['\x7fELF\0\0', ''],
        ['', ''],
      ] as const;
      for (const [text, expected] of cases) {
        writeFileSync(join(bin, 'jupyter-lab'), text, { mode: 0o755 });
        const lines =
          'PATH=$here/env/bin:$PATH; find_python "$here/env/bin/jupyter-lab"; printf %s "$python"';
        assert.equal(printed(lines), expected, text);
      }
    });

    test('the first folder of the PATH that has one of several programs decides, then their order', () => {
      const make = (...path: readonly string[]) => {
        mkdirSync(join(folder, path[0] ?? ''), { recursive: true });
        writeFileSync(join(folder, ...path), '#!/bin/sh\n', { mode: 0o755 });
      };
      make('one', 'jupyter');
      make('two', 'jupyter-notebook');
      make('two', 'jupyter-lab');
      make('three', 'jupyter-lab');
      const first = (...places: readonly string[]) =>
        printed(
          `PATH=${places.map((place) => `"$here/${place}"`).join(':')}:$PATH
in_environment first_program jupyter-lab jupyter-notebook jupyter`,
        );
      assert.equal(first('none', 'one', 'two'), join(folder, 'one', 'jupyter'));
      assert.equal(first('two', 'one'), join(folder, 'two', 'jupyter-lab'));
      mkdirSync(join(folder, 'none', 'jupyter-lab'), { recursive: true });
      assert.equal(first('none', 'three'), join(folder, 'three', 'jupyter-lab'));
    });

    test('the end of a log is reported completely', () => {
      writeFileSync(
        join(folder, 'log'),
        `${Array.from({ length: 20 }, (_, index) => index).join('\n')}\nlast\\n`,
      );
      const lines = printed('report_log "$folder/log"').trimEnd().split('\n');
      assert.deepEqual(
        [lines.length, lines[0], lines.at(-1)],
        [15, '@remote-notebook log 6', '@remote-notebook log last\\n'],
      );
    });
  });
}
