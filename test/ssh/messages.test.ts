import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mainLine, type SshCause, sessionFailure, sshCause, sshFailure } from '../../src/ssh/messages.ts';

const HOST_KEY_CHANGED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r
Offending ED25519 key in /home/me/.ssh/known_hosts:7\r
Host key for gpu has changed and you have requested strict checking.\r
Host key verification failed.\r
`;

/** Real output of ssh, its cause, and the line for the user. */
const OUTPUT: readonly (readonly [output: string, cause: SshCause, line: string])[] = [
  [
    'ssh: Could not resolve hostname gpu: Name or service not known\r\n',
    'unknown-host',
    'ssh: Could not resolve hostname gpu: Name or service not known',
  ],
  [
    'ssh: connect to host gpu port 22: Connection refused\r\n',
    'refused',
    'ssh: connect to host gpu port 22: Connection refused',
  ],
  [
    'ssh: connect to host gpu port 22: Connection timed out\r\n',
    'timed-out',
    'ssh: connect to host gpu port 22: Connection timed out',
  ],
  ['Timeout, server gpu not responding.\r\n', 'timed-out', 'Timeout, server gpu not responding.'],
  [
    'ssh: connect to host gpu port 22: No route to host\r\n',
    'unreachable',
    'ssh: connect to host gpu port 22: No route to host',
  ],
  [HOST_KEY_CHANGED, 'host-key-changed', 'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!'],
  [
    'No ED25519 host key is known for gpu and you have requested strict checking.\r\nHost key verification failed.\r\n',
    'host-key-unknown',
    'Host key verification failed.',
  ],
  [
    'Welcome to gpu, all use is logged.\nme@gpu: Permission denied (publickey,password).\r\n',
    'authentication',
    'me@gpu: Permission denied (publickey,password).',
  ],
  [
    'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures\r\n',
    'authentication',
    'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures',
  ],
  ['Connection to gpu closed by remote host.\r\n', 'closed', 'Connection to gpu closed by remote host.'],
  [
    'kex_exchange_identification: read: Connection reset by peer\r\n',
    'closed',
    'kex_exchange_identification: read: Connection reset by peer',
  ],
  [
    'channel 2: open failed: administratively prohibited: open failed\r\n',
    'forwarding-prohibited',
    'channel 2: open failed: administratively prohibited: open failed',
  ],
  [
    'bind [127.0.0.1]:8889: Address already in use\r\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8889\r\n',
    'local-port-taken',
    'channel_setup_fwd_listener_tcpip: cannot listen to port: 8889',
  ],
  [
    'mux_client_request_session: session request failed: Session open refused by peer\r\n',
    'sessions-used-up',
    'mux_client_request_session: session request failed: Session open refused by peer',
  ],
  ['Something quite new\n', 'other', 'Something quite new'],
  ['', 'other', 'ssh printed no message'],
];

for (const [output, cause, line] of OUTPUT) {
  test(`"${line}" is ${cause}`, () => {
    assert.equal(sshCause(output), cause);
    assert.equal(mainLine(output), line);
  });
}

const connection = { destination: 'gpu', sshConfig: undefined, folder: '/c', controlPath: '/c/control' };

test("a failure contains ssh's message and a remedy", () => {
  for (const [output, cause, line] of OUTPUT) {
    const failure = sshFailure(connection, output);
    assert.deepEqual([failure.reason, failure.message], [cause, `cannot connect to gpu: ${line}`]);
    assert.ok(failure.remedy || cause === 'local-port-taken', cause);
  }
});

test('the remedy for a missing ssh_config does not mention options', () => {
  const output = "Can't open user config file /etc/lab.conf: No such file or directory\r\n";
  const lab = { ...connection, sshConfig: '/etc/lab.conf' };
  assert.equal(sshFailure(lab, output).remedy, 'Check that /etc/lab.conf exists and that you can read it.');
});

test('the old key of a host is reported with its file and line', () => {
  assert.match(
    sshFailure(connection, HOST_KEY_CHANGED).remedy ?? '',
    /line 7 of \/home\/me\/\.ssh\/known_hosts/,
  );
});

test('a session that cannot be opened is reported as a lost connection', () => {
  const { reason, message } = sessionFailure(
    connection,
    'Control socket connect(/c/control): No such file or directory\r\nConnection closed by UNKNOWN port 65535\r\n',
  );
  assert.equal(reason, 'closed');
  assert.match(message, /^the connection to gpu was lost: /);
});
