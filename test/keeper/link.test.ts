import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loginSettings } from '../../src/keeper/links/login-settings.ts';
import { isSlow, verdictOn } from '../../src/keeper/links/verdict.ts';

const direct = 'host gpu\nforkafterauthentication yes\nproxycommand none\n';

test('an sshd that is slow to respond gets more time at each try', () => {
  const timeouts = [0, 1, 2, 9].map((slowTries) => loginSettings(direct, slowTries).ConnectTimeout);
  assert.deepEqual(timeouts, [4, 15, 60, 60]);
  // ssh's messages for an sshd that accepts a connection and prints nothing, and for a machine that is not there.
  assert.equal(
    isSlow('Connection timed out during banner exchange\r\nConnection to 1.2.3.4 port 22 timed out'),
    true,
  );
  assert.equal(isSlow('ssh: connect to host 1.2.3.4 port 22: Connection timed out'), false);
});

test('a proxy has no time limit, since it may have to wake the host up', () => {
  for (const proxy of ['proxycommand wake-up %h', 'proxyjump gate'])
    assert.deepEqual(loginSettings(`host gpu\n${proxy}\n`, 0), {});
});

test('an ssh_config cannot send the ssh of a keeper to the background, and an old ssh gets no unknown option', () => {
  assert.equal(loginSettings(direct, 0).ForkAfterAuthentication, 'no');
  assert.equal(loginSettings('host gpu\n', 0).ForkAfterAuthentication, undefined);
});

const VERDICTS: Readonly<Record<string, string>> = {
  'me@gpu: Permission denied (publickey).': 'needs-login',
  'Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures': 'needs-login',
  'Host key verification failed.': 'failed',
  '/home/me/.ssh/config: line 3: Bad configuration option: foo': 'failed',
  'ssh: connect to host gpu port 22: Connection refused': 'retry',
  'ssh: connect to host gpu port 22: No route to host': 'unreachable',
  'ssh: connect to host gpu port 22: Connection timed out': 'unreachable',
  'ssh: Could not resolve hostname gpu: Name or service not known': 'unreachable',
  'Connection closed by 1.2.3.4 port 22': 'retry',
  '': 'retry',
};

for (const [output, verdict] of Object.entries(VERDICTS))
  test(`after "${output}" the verdict is ${verdict}`, () => {
    assert.equal(verdictOn(output), verdict);
  });
