import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageUrl, parseRuntimeFile, redactTokens, withToken } from '../../src/jupyter/server.ts';
import { Failure } from '../../src/system/errors.ts';

/** nbserver-PID.json of notebook 6.4. */
const CLASSIC = {
  base_url: '/',
  hostname: '127.0.0.1',
  notebook_dir: '/home/me',
  password: false,
  pid: 4321,
  port: 8890,
  secure: false,
  sock: '',
  token: 'abc',
  url: 'http://127.0.0.1:8890/',
};

/** jpserver-PID.json of jupyter_server 2.15. */
const SERVER = {
  base_url: '/lab server/',
  hostname: '127.0.0.1',
  password: true,
  pid: 4321,
  port: 0,
  root_dir: '/home/me',
  secure: true,
  sock: '/run/jupyter.sock',
  token: 'abc',
  url: 'http+unix://%2Frun%2Fjupyter.sock/',
  version: '2.15.0',
};

test('the runtime file of a classic notebook is read', () => {
  assert.deepEqual(parseRuntimeFile(JSON.stringify(CLASSIC)), {
    pid: 4321,
    port: 8890,
    socket: undefined,
    token: 'abc',
    baseUrl: '/',
    secure: false,
    version: undefined,
    host: undefined,
    password: false,
    directory: '/home/me',
  });
});

test('the runtime file of jupyter_server is read: socket, base URL and version', () => {
  assert.deepEqual(parseRuntimeFile(JSON.stringify(SERVER)), {
    pid: 4321,
    port: 0,
    socket: '/run/jupyter.sock',
    token: 'abc',
    baseUrl: '/lab server/',
    secure: true,
    version: '2.15.0',
    host: undefined,
    password: true,
    directory: '/home/me',
  });
});

test('a base URL begins and ends with one slash, however it is configured', () => {
  for (const base_url of ['me', '/me', 'me/', '//me//']) {
    assert.equal(parseRuntimeFile(JSON.stringify({ ...CLASSIC, base_url })).baseUrl, '/me/');
  }
});

test('a server that listens on one address is reached there, and any other on the loopback address', () => {
  const hosts = [
    ['localhost', undefined],
    ['', undefined],
    ['0.0.0.0', undefined],
    ['192.0.2.7', '192.0.2.7'],
    ['gpu.example.org', 'gpu.example.org'],
    ['::', '[::1]'],
    ['fe80::7', '[fe80::7]'],
  ];
  for (const [hostname, host] of hosts)
    assert.equal(parseRuntimeFile(JSON.stringify({ ...CLASSIC, hostname })).host, host, hostname);
});

test('a runtime file that is not valid is a failure', () => {
  for (const text of ['', '{', 'null', '[]', '{"pid": 1}', '{"pid": "1", "port": 2, "token": ""}']) {
    assert.throws(() => parseRuntimeFile(text), Failure, text);
  }
});

test('odd values from a host add no line, header, port or control character on this machine', () => {
  const odd = [
    { sock: '/run/jupyter.sock\n0.0.0.0:22:localhost:22' },
    { sock: 'localhost:22' },
    { token: 'abc\r\nHost: elsewhere' },
    { base_url: '/\u001b]0;title\u0007' },
    { version: '7\u009b2J' },
    { hostname: 'a:22:b\n' },
    { hostname: '-oProxyCommand=x y' },
    { port: -1 },
    { port: 0 },
    { port: 65536 },
    { port: 8889.5 },
    { pid: -1 },
    { pid: 1 },
  ];
  for (const values of odd)
    assert.throws(
      () => parseRuntimeFile(JSON.stringify({ ...CLASSIC, ...values })),
      Failure,
      JSON.stringify(values),
    );
});

test('the URL is the top page, at the local end of the tunnel', () => {
  assert.equal(pageUrl(8891, { baseUrl: '/', secure: false }), 'http://127.0.0.1:8891/');
  assert.equal(pageUrl(8891, { baseUrl: '/me/', secure: true }), 'https://127.0.0.1:8891/me/');
});

test('any token can be part of a URL', () => {
  const url = withToken('http://127.0.0.1:1/tree', 'a&b=c d/+é');
  assert.equal(new URL(url).searchParams.get('token'), 'a&b=c d/+é');
  assert.equal(withToken('http://127.0.0.1:1/tree', ''), 'http://127.0.0.1:1/tree');
});

test('a token anywhere in a log line is hidden', () => {
  assert.equal(
    redactTokens('[I] 302 GET /?token=abc123 (::1) http://x/?token=abc123&next="/"'),
    '[I] 302 GET /?token=… (::1) http://x/?token=…&next="/"',
  );
  assert.equal(redactTokens('<a href="/?token=abc123">'), '<a href="/?token=…">');
  assert.equal(redactTokens('nothing to hide'), 'nothing to hide');
});
