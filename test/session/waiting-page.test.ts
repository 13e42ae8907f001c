import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Absence, waitingResponse } from '../../src/session/waiting-page.ts';

const absence = {
  destination: 'gpu',
  state: 'reconnecting',
  duration: '2 min',
  tries: 3,
  nextTryAt: 14_000,
  message: undefined,
} as const;

/** The text of the page, a line for each of its elements. */
function lines(change: Partial<Absence>, at = 10_000): string[] {
  const [, body = ''] = waitingResponse({ ...absence, ...change }, at).split('\r\n\r\n');
  return body.split(/<[^>]+>/).filter((text) => text.trim() !== '');
}

test('the page shows for how long there has been no connection, when the next try begins, and what the host said', () => {
  assert.deepEqual(lines({ message: 'Connection refused' }), [
    'Reconnecting to gpu',
    'Reconnecting to gpu',
    'There has been no connection to gpu for 2 min. Try 3 begins in 4 s.',
    'What runs on gpu keeps running. This page opens when the connection is back.',
    'The last message was:',
    'Connection refused',
  ]);
});

test('the page shows that a try is in progress', () => {
  for (const [change, at] of [
    [{ nextTryAt: undefined }, 10_000],
    [{}, 20_000],
  ] as const)
    assert.match(lines(change, at).join('\n'), /for 2 min\. Try 3 is in progress\./);
});

test('if the user must act, the page shows which command helps', () => {
  const login = lines({ state: 'needs-login' }).join('\n');
  assert.match(login, /^gpu asks you to log in\n.* run: remote-notebook status\. It shows the command with/s);
  assert.match(
    lines({ state: 'failed' }).join('\n'),
    /^Cannot connect to gpu\n.* run: remote-notebook status\./s,
  );
});

test('what ssh printed is shown as text, whatever it contains', () => {
  const message = '<script>alert("1")</script>\x1b[31m & \u202eevil';
  const response = waitingResponse({ ...absence, destination: '<b>', message }, 10_000);
  assert.doesNotMatch(response, /<script|<b>|\x1b|\u202e/);
  assert.match(response, /<pre>&#60;script&#62;alert\(&#34;1&#34;\)/);
});

test('the response is complete, is not stored, runs nothing and loads again by itself', () => {
  const response = waitingResponse({ ...absence, message: 'Verbindung überprüft' }, 10_000);
  const [head = '', body = ''] = response.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 503 /);
  assert.match(head, /^Content-Security-Policy: default-src 'none'\r?$/m);
  assert.match(head, /^Cache-Control: no-store\r?$/m);
  assert.match(head, /^Refresh: 2\r?$/m);
  assert.equal(/^Content-Length: (\d+)\r?$/m.exec(head)?.[1], String(Buffer.byteLength(body)));
});
