import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, Server as NetServer } from 'node:net';
import { test } from 'node:test';
import { askWebsocket, proveServer } from '../../src/jupyter/api.ts';

test('an endless response is not accepted as proof, and reading it stops', async () => {
  let sent = 0;
  const server = createServer((_, response) => {
    const send = () => {
      while (!response.destroyed && response.write('x'.repeat(100_000))) sent += 100_000;
    };
    response.on('drain', send);
    send();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const api = { end: { port }, baseUrl: '/', secure: false, token: 'x' };
    const proof = await proveServer(api, '1', new AbortController().signal, 60_000);
    assert.deepEqual(proof, { state: 'silent', reason: 'the response is too long' });
    assert.ok(sent < 100_000_000, `${sent} characters were sent`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a server that changes to another protocol without being asked is no proof, and nothing waits for it', async () => {
  const server = createTcpServer((socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const api = { end: { port }, baseUrl: '/', secure: false, token: 'x' };
    const proof = await proveServer(api, '1', new AbortController().signal, 60_000);
    const reason = 'HTTP 101 to a request that asks for no other protocol';
    assert.deepEqual(proof, { state: 'silent', reason });
  } finally {
    server.close();
  }
});

/** Asks twice for the status of a server. Returns both results. */
async function askTwice(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const api = { end: { port }, baseUrl: '/', secure: false, token: 'x' };
    const ask = () => proveServer(api, '1', new AbortController().signal, 60_000);
    return [(await ask()).state, (await ask()).state];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a program that takes the port after a kept connection is cut gets no token, and no request is repeated', async () => {
  const received: string[] = [];
  const stranger = createServer(({ headers }, response) => {
    received.push(headers.authorization ?? '');
    response.end('{}');
  });
  let asked = 0;
  const server = createServer(({ socket }, response) => {
    if (++asked === 1) return void response.end('{}');
    const { localPort } = socket;
    server.close();
    stranger.listen(localPort, '127.0.0.1');
    return void socket.resetAndDestroy();
  });
  assert.deepEqual(await askTwice(server), ['ours', 'silent']);
  assert.equal(asked, 2);
  assert.deepEqual(received, []);
  stranger.closeAllConnections();
  stranger.close();
});

test('a request to a port that now belongs to another server reaches that server, even if a connection to the first one is kept', async () => {
  const answering = (token: string) =>
    createServer(({ headers }, response) => {
      response.statusCode = headers.authorization === `token ${token}` ? 200 : 403;
      response.end('{}');
    });
  const [first, second] = [answering('first'), answering('second')];
  const ask = (localPort: number, token: string) =>
    proveServer(
      { end: { port: localPort }, baseUrl: '/', secure: false, token },
      '1',
      new AbortController().signal,
      60_000,
    );
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = first.address() as AddressInfo;
    assert.equal((await ask(port, 'first')).state, 'ours');
    // Like `ssh -O cancel`: it stops listening and keeps open connections.
    NetServer.prototype.close.call(first);
    await new Promise<void>((resolve) => second.listen(port, '127.0.0.1', resolve));
    assert.equal((await ask(port, 'second')).state, 'ours');
  } finally {
    for (const server of [first, second]) server.closeAllConnections();
    second.close();
  }
});

test('an agent that a script has set globally in Node, such as one for a proxy, gets no token', async () => {
  const { globalAgent } = http;
  const addRequest = () => {
    throw new Error('it was asked');
  };
  http.globalAgent = Object.assign(new http.Agent(), { addRequest });
  try {
    assert.deepEqual(await askTwice(createServer((_, response) => response.end('{}'))), ['ours', 'ours']);
  } finally {
    http.globalAgent = globalAgent;
  }
});

test('a program on the port of a lost tunnel gets no token, even right after the loss', async () => {
  let told = '';
  const stranger = createTcpServer((socket) => socket.on('data', (chunk) => (told += chunk)));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = stranger.address() as AddressInfo;
    const api = { end: { port }, baseUrl: '/', secure: false, token: 'x', isOurs: async () => false };
    const proof = await proveServer(api, '1', new AbortController().signal, 60_000);
    assert.deepEqual([proof, told], [{ state: 'silent', reason: 'the tunnel was lost' }, '']);
  } finally {
    stranger.close();
  }
});

test('a program that takes the port as a websocket is opened gets no token', async () => {
  let told = '';
  const stranger = createTcpServer((socket) => socket.on('data', (chunk) => (told += chunk)));
  const taken = once(stranger, 'connection');
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const isOurs = async () => {
    await taken;
    return false;
  };
  try {
    const { port } = stranger.address() as AddressInfo;
    const api = { end: { port }, baseUrl: '/', secure: false, token: 'x', isOurs };
    assert.equal(await askWebsocket(api, new AbortController().signal, 5000), undefined);
    assert.equal(told, '');
  } finally {
    stranger.close();
  }
});
