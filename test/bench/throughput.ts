import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeWorld } from '../hosts/world.ts';
import { own, untilAnswer } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { ownTunnels, plainTunnels, steadyPort } from './tunnels.ts';

/**
 * How fast 200 MB come through our tunnel and through a plain one, from the same server on the host; and how soon an
 * answer in two small pieces, as kernels send many. Ours has lost its ssh once, as tunnels do.
 */

const SIZE = 200_000_000;
const PIECES = 20;
const GAP_MS = 2;
const OWN = 'remote-notebook';
const PLAIN = '`ssh -N -L`';

export async function measureThroughput(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const pieces: Samples = new Map();
  const world = await makeWorld();
  const source = await startSource();
  try {
    const { tunnels } = await ownTunnels(world, 1);
    const ownPort = await steadyPort();
    await own(world.laptop.env, 'forward', 'host0', `${ownPort}:127.0.0.1:${source.port}`);
    for (const { ssh } of tunnels) process.kill(ssh(), 'SIGKILL');
    await untilAnswer(ownPort);
    const plain = await plainTunnels(world, 1, source.port);
    for (let count = 0; count < PIECES; count++) {
      await timed(pieces, OWN, () => fetchPieces(ownPort));
      for (const { port } of plain.tunnels) await timed(pieces, PLAIN, () => fetchPieces(port));
    }
    for (let round = 0; round < rounds; round++) {
      add(samples, OWN, await download(ownPort));
      for (const { port } of plain.tunnels) add(samples, PLAIN, await download(port));
    }
    await plain.end();
  } finally {
    await world.remove();
    source.close();
  }
  const percent = Math.round(Number(ratio(samples, OWN, PLAIN)) * 100);
  const findings = [`The tunnel carries ${percent} % of what a plain \`ssh -N -L\` does.`];
  const title = `An answer in two small pieces, ${GAP_MS} ms apart`;
  const gap = `Two small pieces, ${GAP_MS} ms apart, need ${median(pieces, OWN).toFixed(1)} ms through the tunnel, ${median(pieces, PLAIN).toFixed(1)} ms through a plain \`ssh -N -L\`.`;
  return [
    { title, unit: 'ms', samples: pieces, findings: [gap] },
    { title: '200 MB through the tunnel', unit: 'MB/s', samples, findings },
  ];
}

async function startSource(): Promise<{ port: number; close(): void }> {
  const chunk = Buffer.alloc(1_000_000, 'remote-notebook');
  const server = createServer((request, response) => {
    if (request.url === '/pieces') {
      response.write('one');
      setTimeout(() => response.end('two'), GAP_MS);
      return;
    }
    let left = request.url === '/bytes' ? SIZE / chunk.length : 0;
    const write = () => {
      while (left > 0) {
        left -= 1;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', write);
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Megabytes a second. @throws Error when not all came */
function download(port: number): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const query = get({ host: '127.0.0.1', port, path: '/bytes', agent: false }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => {
        if (bytes === SIZE) resolve(SIZE / 1e6 / ((performance.now() - begin) / 1000));
        else reject(new Error(`${bytes} of ${SIZE} bytes came`));
      });
    });
    query.once('error', reject);
  });
}

/** @throws Error when both did not come */
function fetchPieces(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = get({ host: '127.0.0.1', port, path: '/pieces' }, (response) => {
      let heard = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        heard += piece;
      });
      response.on('end', () => (heard === 'onetwo' ? resolve() : reject(new Error(`"${heard}" came`))));
    });
    query.once('error', reject);
  });
}
