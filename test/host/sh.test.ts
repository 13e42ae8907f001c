import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { singleQuoted } from '../../src/system/command.ts';
import { startTimeOf } from '../../src/system/process.ts';
import { lacks } from '../hosts/needs.ts';
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

for (const [shell, ...options] of SHELLS) {
  describe(shell, { skip: lacks(shell) }, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "rn sh's-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    /** What these lines print after the parts, with an empty folder as $folder and $here. */
    function printed(lines: string, env: NodeJS.ProcessEnv = {}): string {
      const place = singleQuoted(folder);
      const text = `${parts}\nfolder=${place} here=${place} launch=test\ncd "$here"\n${lines}\n`;
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

    test('a command that takes too long is ended, with all that it has started', () => {
      const lines = `enter_within 1 sh -c 'sleep 987 & sleep 987' || echo "late$helper"; ps -A -o args | grep '^sleep [9]87'`;
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

    test('a process that is begun has a record, lives on its own, and is undone with all that it has started', () => {
      const lines = `name=x directory=d from=laptop
        more() { keep command "$command"; }
        begin "sh -c 'echo words; sleep 986 & sleep 986' sh" && put_on_record more && record_lives "$folder" && echo lives
        until [ -n "$(descendants "$pid")" ]; do nap; done; all="$pid $(descendants "$pid")"
        cat "$folder/log"; undo_begun
        for each in $all; do [ -z "$(start_time "$each")" ] || echo "left: $each"; done; ls "$folder"`;
      assert.equal(printed(lines), 'lives\nwords\n');
    });

    test('a lock is taken over from a holder that is gone, and its release removes the folder', () => {
      symlinkSync(`other ${hostname()} 4194999 1`, join(folder, 'lock'));
      const taken = printed('take_lock "$folder" && readlink "$folder/lock"; release_lock "$folder"');
      assert.match(taken, new RegExp(`^test ${hostname()} \\d+ \\d+\n$`));
      assert.ok(!existsSync(folder));
    });

    test('a lock of a living process is waited for', async () => {
      symlinkSync(
        `other ${hostname()} ${process.pid} ${await startTimeOf(process.pid)}`,
        join(folder, 'lock'),
      );
      const lines = '(sleep 0.3; echo released; rm "$folder/lock") & take_lock "$folder"; echo taken';
      assert.equal(printed(lines), 'released\ntaken\n');
    });

    test('a process is ended, with all that it has started if requested', () => {
      const lines = `sleep 985 & end_process $! "$(start_time $!)"
        sh -c 'sleep 984 & sleep 984' & until [ -n "$(descendants $!)" ]; do nap; done
        end_tree $! "$(start_time $!)"; ps -A -o args | grep '^sleep 98[45]'`;
      assert.equal(printed(lines), 'terminated\nterminated\n');
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
