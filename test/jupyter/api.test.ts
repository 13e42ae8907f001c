import assert from 'node:assert/strict';
import http, { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { proveServer } from '../../src/jupyter/api.ts';

test('an answer without end is no proof, and is not heard to its end', async () => {
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
    const { port: localPort } = server.address() as AddressInfo;
    const api = { localPort, baseUrl: '/', secure: false, token: 'x' };
    const proof = await proveServer(api, '1', new AbortController().signal, 60_000);
    assert.deepEqual(proof, { state: 'silent', reason: 'an answer without end' });
    assert.ok(sent < 100_000_000, `${sent} characters were sent`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** Asks twice for the status of a server, and answers with what came of it. */
async function askTwice(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port: localPort } = server.address() as AddressInfo;
    const api = { localPort, baseUrl: '/', secure: false, token: 'x' };
    const ask = () => proveServer(api, '1', new AbortController().signal, 60_000);
    return [(await ask()).state, (await ask()).state];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a question whose kept connection was cut on the way is asked over a new one', async () => {
  const heard = new Map<Socket, number>();
  const server = createServer(({ socket }, response) => {
    heard.set(socket, (heard.get(socket) ?? 0) + 1);
    if (heard.get(socket) === 1) response.end('{}');
    else socket.destroy();
  });
  assert.deepEqual(await askTwice(server), ['ours', 'ours']);
  assert.deepEqual([...heard.values()], [2, 1]);
});

test("what a script has put in the place of Node's agent, a proxy's say, is told no token", async () => {
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
