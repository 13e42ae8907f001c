import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Connection,
  controlCommand,
  forwardSpec,
  loginCommand,
  resolveCommand,
  scriptCommand,
} from '../../src/ssh/arguments.ts';
import { commandLine } from '../../src/system/command.ts';
import { makeFolder } from '../hosts/standing.ts';

const connection: Connection = {
  destination: 'me@gpu',
  sshConfig: undefined,
  folder: '/state/c/0',
  controlPath: '/state/c/0/control',
};
const withConfigFile: Connection = { ...connection, sshConfig: '/my files/ssh_config' };
const forward = { bindAddress: '127.0.0.1', localPort: 8890, target: '127.0.0.1:8889' };

test('the first login asks on the terminal and leaves it; it has its own socket and no forwards', () => {
  assert.equal(
    commandLine(loginCommand(connection, '/state/c/0/login', true)),
    'ssh -f -N -T -E /state/c/0/log -M -S /state/c/0/login -o ControlPersist=no -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o LogLevel=INFO -o ServerAliveInterval=30 -o ServerAliveCountMax=10 -o StreamLocalBindUnlink=yes -o BatchMode=no -- me@gpu',
  );
});

test('a later login stays in the foreground, and asks nothing', () => {
  const line = commandLine(loginCommand(connection, '/state/c/0/next', false, { ConnectTimeout: 4 }));
  assert.match(
    line,
    /^ssh -N -T -M -S \/state\/c\/0\/next .* -o BatchMode=yes -o ConnectTimeout=4 -- me@gpu$/,
  );
});

test('a script runs over the connection, under any login shell, and never logs in again', () => {
  const line = commandLine(scriptCommand(connection));
  assert.match(line, /^ssh -T -S \/state\/c\/0\/control .* -- me@gpu 'exec \/bin\/sh -s'$/);
  assert.match(line, / -o ControlMaster=no -o ProxyCommand=false /);
});

test('a forward contains both of its ends, and is requested from the master by its socket', () => {
  assert.equal(
    commandLine(controlCommand(connection, 'forward', forwardSpec(forward))),
    'ssh -F /dev/null -S /state/c/0/control -O forward -L 127.0.0.1:8890:127.0.0.1:8889 master',
  );
  assert.equal(
    commandLine(controlCommand(connection, 'cancel', '/state/c/0/x:/run/jupyter.sock')),
    'ssh -F /dev/null -S /state/c/0/control -O cancel -L /state/c/0/x:/run/jupyter.sock master',
  );
});

test('the target of a forward is a port or a Unix socket of the host', () => {
  assert.equal(forwardSpec(forward), '127.0.0.1:8890:127.0.0.1:8889');
  assert.equal(forwardSpec({ ...forward, target: '/run/jupyter.sock' }), '127.0.0.1:8890:/run/jupyter.sock');
});

test('every ssh that reads an ssh_config gets -F', () => {
  for (const command of [
    loginCommand(withConfigFile, '/c', true),
    scriptCommand(withConfigFile),
    resolveCommand({ destination: 'me@gpu', sshConfig: withConfigFile.sshConfig }),
  ]) {
    assert.deepEqual(command.slice(0, 3), ['ssh', '-F', '/my files/ssh_config']);
  }
});

test('our options override a hostile ssh_config, and ssh accepts each of them', () => {
  const folder = makeFolder('rn-arguments-');
  try {
    const sshConfig = join(folder, 'ssh_config');
    writeFileSync(
      sshConfig,
      `Host *
  ControlMaster auto
  ControlPath ${folder}/theirs
  ControlPersist yes
  LocalForward 1 localhost:1
  RemoteCommand tmux
  RequestTTY force
  LogLevel QUIET
  ForkAfterAuthentication yes
  StdinNull yes
  SessionType none
  PermitLocalCommand yes
`,
    );
    const resolved = (command: readonly string[]) => {
      const [program = '', ...args] = command;
      // -G prints the options of this command line without connecting.
      return execFileSync(program, ['-G', ...args], { encoding: 'utf8' }).split('\n');
    };
    const mine = { ...connection, sshConfig, controlPath: join(folder, 'mine') };
    const master = resolved(loginCommand(mine, mine.controlPath, false));
    for (const line of [
      `controlpath ${join(folder, 'mine')}`,
      'controlpersist no',
      'clearallforwardings yes',
      'loglevel INFO',
      'serveraliveinterval 30',
      'permitlocalcommand no',
      'requesttty false',
    ]) {
      assert.ok(master.includes(line), `the master has "${line}"`);
    }
    const session = resolved(scriptCommand(mine));
    for (const line of [
      `controlpath ${join(folder, 'mine')}`,
      'controlmaster false',
      'clearallforwardings yes',
      'proxycommand false',
      'sessiontype default',
      'forkafterauthentication no',
      'stdinnull no',
      'permitlocalcommand no',
      'requesttty false',
    ]) {
      assert.ok(session.includes(line), `a session has "${line}"`);
    }
    for (const lines of [master, session]) {
      assert.deepEqual(
        lines.filter((line) => /^(localforward|remotecommand) /.test(line) && !line.endsWith(' none')),
        [],
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
