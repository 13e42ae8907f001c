import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { admittedHosts } from '../../src/lifecycle/starting/index-hosts.ts';
import type { Connection } from '../../src/ssh/arguments.ts';
import { quietContext } from '../../src/system/context.ts';
import { connectionOf } from '../../src/tunnel/connection.ts';
import { withIndexProxy } from '../../src/tunnel/index-proxy.ts';
import { ownProxy } from '../../src/tunnel/own-proxy.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { recordOf, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** The way from a host through this machine to the package index, and to nothing else. */

/** What a program on the host gets that sends this to a port there. */
async function answer(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(request);
  await once(socket, 'close');
  return text;
}

const { laptop } = await worldPerFile();
let connection: Connection;
const index = createServer((socket) => socket.on('error', () => {}).end('the index'));
let port: number;
before(async () => {
  await started(laptop, ...(await ports()));
  connection = connectionOf(recordOf(laptop).spec, laptop.env);
  port = await listen(index);
});
after(() => index.close());

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('the proxy leads to the package index alone, only with its password, and ends with the installation', async () => {
  const admitted = [{ name: 'index.invalid', port, way: '127.0.0.1' }];
  const proxyPort = await withIndexProxy(connection, admitted, quietContext(laptop.env), async (url) => {
    const { username, password, hostname, port: there } = new URL(url);
    assert.equal(hostname, '127.0.0.1');
    const credentials = (secret: string) =>
      `Proxy-Authorization: Basic ${btoa(`${username}:${secret}`)}\r\n\r\n`;
    const ask = (target: string, header: string) =>
      answer(Number(there), `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${header}`);
    const right = credentials(password);
    assert.match(await ask(`index.invalid:${port}`, right), /^HTTP\/1\.1 200 .*\r\n\r\nthe index$/);
    for (const wrong of ['\r\n', credentials('x'), credentials(password.replace(/^./, 'x'))])
      assert.match(await ask(`index.invalid:${port}`, wrong), /^HTTP\/1\.1 407 /);
    for (const other of [`127.0.0.1:${port}`, 'index.invalid:22', `localhost:${port}`])
      assert.match(await ask(other, right), /^HTTP\/1\.1 403 /);
    const plain = `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${right}`;
    assert.match(await answer(Number(there), plain), /^HTTP\/1\.1 405 /);
    return Number(there);
  });
  const isClosed = () =>
    answer(proxyPort, '').then(
      () => false,
      ({ code }) => code === 'ECONNREFUSED',
    );
  await eventually('the port on the host is closed', isClosed);
});

test('a laptop that reaches the package index only by a proxy leads a host there by that proxy', async (context) => {
  const asked: unknown[] = [];
  const company = createHttpServer();
  company.on('connect', ({ url, headers }, client: Socket) => {
    client.on('error', () => {});
    asked.push([url, headers['proxy-authorization']]);
    if (url !== 'index.invalid:443') return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    return connect(port, '127.0.0.1').pipe(client);
  });
  context.after(() => company.close());
  const env = {
    HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${await listen(company)}`,
    PIP_INDEX_URL: 'https://index.invalid/',
  };
  const admitted = await admittedHosts(
    ['https://index.invalid/', 'https://pypi.org/', 'https://other.invalid/'],
    env,
  );
  assert.deepEqual(
    admitted.map(({ name }) => name),
    ['index.invalid', 'pypi.org'],
  );
  await withIndexProxy(connection, admitted, quietContext(laptop.env), async (url) => {
    const { username, password, port: there } = new URL(url);
    const header = `Proxy-Authorization: Basic ${btoa(`${username}:${password}`)}\r\n\r\n`;
    const ask = (target: string) =>
      answer(Number(there), `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${header}`);
    assert.match(await ask('index.invalid:443'), /^HTTP\/1\.1 200 .*\r\n\r\nthe index$/);
    assert.match(await ask('pypi.org:443'), /^HTTP\/1\.1 502 the proxy of this machine responded with 403\r/);
    assert.match(await ask('other.invalid:443'), /^HTTP\/1\.1 403 /);
  });
  const credentials = `Basic ${btoa('me:p@ss')}`;
  assert.deepEqual(asked, [
    ['index.invalid:443', credentials],
    ['pypi.org:443', credentials],
  ]);
});

test('the proxy of a laptop is found as pip finds it', () => {
  const proxy = (env: NodeJS.ProcessEnv) => ownProxy('files.example.org', env)?.href;
  assert.equal(proxy({}), undefined);
  assert.equal(proxy({ https_proxy: 'http://low:1', HTTPS_PROXY: 'http://high:2' }), 'http://low:1/');
  assert.equal(proxy({ HTTPS_PROXY: 'proxy:3128' }), 'http://proxy:3128/');
  assert.equal(proxy({ ALL_PROXY: 'https://proxy:3128' }), 'https://proxy:3128/');
  for (const unusable of ['socks5://proxy:1080', 'http://', '::'])
    assert.equal(proxy({ HTTPS_PROXY: unusable }), undefined);
  for (const exempt of ['*', 'other, example.org', '.example.org', '*.example.org', 'files.example.org'])
    assert.equal(proxy({ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: exempt }), undefined, exempt);
  for (const other of ['', ',', 'ample.org', 'www.example.org'])
    assert.equal(proxy({ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: other }), 'http://proxy:1/', other);
});

test('a host cannot name a server of the private network of this machine, unless the settings here name it', async () => {
  const named = [
    'https://10.1.2.3:8443/simple/',
    'https://127.0.0.1/',
    'https://192.168.1.1/',
    'https://[::1]/',
  ];
  const others = ['http://203.0.113.9/simple', 'https://169.254.1.1/', 'ftp://203.0.113.9/', 'nonsense', ''];
  assert.deepEqual(await admittedHosts([...named, ...others], {}), []);
  const found = { name: '203.0.113.9', port: 443, way: '203.0.113.9' };
  assert.deepEqual(await admittedHosts([...named, 'https://203.0.113.9/simple'], {}), [found]);
  assert.deepEqual(await admittedHosts(named, { PIP_INDEX_URL: 'https://10.1.2.3:8443/simple/' }), [
    { name: '10.1.2.3', port: 8443, way: '10.1.2.3' },
  ]);
});
