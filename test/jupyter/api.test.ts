import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
