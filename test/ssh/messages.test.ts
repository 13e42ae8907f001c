import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mainLine, SSH_CAUSES, sessionFailure, sshCause, sshFailure } from '../../src/ssh/causes/messages.ts';
import { failureOf, GPU, SSH_WORDS } from '../causes/ssh-words.ts';

for (const recorded of SSH_WORDS) {
  const { cause, line, remedy } = recorded;
  test(`"${line}" is ${cause}, with its own remedy`, () => {
    const failure = failureOf(recorded);
    assert.deepEqual([failure.reason, failure.line], [cause, line]);
    assert.ok(failure.message.endsWith(`: ${line}`), failure.message);
    assert.ok(failure.remedy?.includes(remedy), failure.remedy);
  });
}

test('the recorded output covers every cause in the code, in the same order', () => {
  const silent = ['local-port-taken'];
  const causes = [...new Set(SSH_CAUSES.map(({ cause }) => cause))];
  assert.deepEqual(
    SSH_WORDS.map(({ cause }) => cause),
    causes.filter((cause) => !silent.includes(cause)),
  );
});

test('no two causes share a remedy', () => {
  const remedies = SSH_WORDS.map((recorded) => failureOf(recorded).remedy);
  assert.equal(new Set(remedies).size, remedies.length);
});

test('for an unknown message, the advice is to try by hand', () => {
  const { reason, message, remedy } = sshFailure(GPU, 'Something quite new\n');
  assert.deepEqual(
    [reason, message, remedy],
    ['other', 'cannot connect to gpu: Something quite new', 'Try it by hand: ssh gpu'],
  );
  assert.equal(mainLine(''), 'ssh printed no message');
});

test('a local port that is in use has no advice: another one is tried', () => {
  const output =
    'bind [127.0.0.1]:8889: Address already in use\r\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8889\r\n';
  assert.equal(sshCause(output), 'local-port-taken');
  assert.equal(mainLine(output), 'channel_setup_fwd_listener_tcpip: cannot listen to port: 8889');
});

test("a banner and ssh's own warnings are not taken for the cause", () => {
  // The last lines are those of OpenSSH 10.1 and later.
  const output = `Welcome to gpu, all use is logged.
Warning: Permanently added 'gpu' (ED25519) to the list of known hosts.
** WARNING: connection is not using a post-quantum key exchange algorithm.
** This session may be vulnerable to "store now, decrypt later" attacks.
** The server may need to be upgraded. See https://openssh.com/pq.html
`;
  assert.equal(
    mainLine(`${output}Connection to gpu closed by remote host.\n`),
    'Connection to gpu closed by remote host.',
  );
  assert.equal(mainLine(output), 'Welcome to gpu, all use is logged.');
});

test('the message of every shell about a missing ssh is recognized', () => {
  for (const line of ['/bin/sh: 1: ssh: not found', 'bash: line 1: ssh: command not found'])
    assert.equal(sshCause(line), 'ssh-missing');
});

test('the message of every shell about a missing program of a ProxyCommand is recognized', () => {
  for (const line of [
    '/bin/sh: 1: exec: cloudflared: not found',
    '/bin/bash: line 1: exec: cloudflared: not found',
    'bash: line 1: cloudflared: command not found',
    'zsh:1: command not found: cloudflared',
    'fish: Unknown command: cloudflared',
  ])
    assert.match(
      sshFailure(GPU, `${line}\nConnection closed by UNKNOWN port 65535\n`).remedy ?? '',
      /^The ProxyCommand cannot run cloudflared on this machine\./,
    );
});

test('a proxy that ends before ssh could write to it is blamed like one that ends later', () => {
  // OpenSSH 9.2 prints this line alone, and with "kex_exchange_identification" when it has read an end.
  const end = 'banner exchange: Connection to UNKNOWN port 65535: Broken pipe';
  const loud = sshFailure(GPU, `Not logged in. Run: vpn login\n${end}\r\n`);
  assert.deepEqual([loud.reason, loud.line], ['proxy', 'Not logged in. Run: vpn login']);
  assert.deepEqual(sshFailure(GPU, `${end}\r\n`).reason, 'proxy-silent');
});

test('a warning about a key file is not blamed for a connection that was lost later', () => {
  const output = `Permissions 0644 for '/k' are too open.\r\nLoad key "/k": bad permissions\r\nTimeout, server gpu not responding.\r\n`;
  assert.equal(sshCause(output), 'timed-out');
});

test('a key file that does not exist is not blamed when another key was offered and refused', () => {
  const output =
    'no such identity: /old: No such file or directory\r\nme@gpu: Permission denied (publickey).\r\n';
  const clues = { keys: [{ path: '/new', state: 'usable' as const }], agent: 'none' as const };
  assert.equal(sshFailure(GPU, output, { clues }).reason, 'key-refused');
});

test("a jump host's trouble names the jump host, and its commands are for it", () => {
  const output =
    'me@bastion: Permission denied (publickey).\r\nkex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n';
  const clues = { keys: [{ path: '/k', state: 'usable' as const }], agent: 'none' as const };
  const { message, remedy } = sshFailure(GPU, output, { clues, jump: 'bastion' });
  assert.equal(
    message,
    'cannot connect to gpu by its jump host bastion: me@bastion: Permission denied (publickey).',
  );
  assert.match(remedy ?? '', /^Install your key there: ssh-copy-id bastion /);
});

test('a session that cannot be opened is reported as a lost connection', () => {
  const { reason, message } = sessionFailure(
    GPU,
    'Control socket connect(/c/control): No such file or directory\r\nConnection closed by UNKNOWN port 65535\r\n',
  );
  assert.deepEqual(
    [reason, message],
    [
      'closed',
      'the connection to gpu was lost: Control socket connect(/c/control): No such file or directory',
    ],
  );
});

test('a session that is lost with its connection is reported with the reason of the loss', () => {
  const session = 'Connection closed by UNKNOWN port 65535\r\n';
  assert.equal(
    sessionFailure(GPU, session, 'Timeout, server gpu not responding.\r\n').message,
    'the connection to gpu was lost: Timeout, server gpu not responding.',
  );
});
