import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { askJupyter, done, type Shown, serverRecord, started, statusOf } from '../hosts/servers.ts';
import { ownLocalPort, ports } from '../hosts/sshd.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import type { WorldOptions } from '../hosts/world.ts';

/** A host with a JupyterLab 4 and a jupyter_server 2. */
interface JupyterLabHost {
  readonly kind: string;
  readonly skip: string | false;
  readonly options: () => WorldOptions | Promise<WorldOptions>;
}

/**
 * The main commands on such a host. This server reports its port some time before it listens: on a machine that is busy
 * with other tests it needs a port of its own.
 */
export function describeJupyterLab({ kind, skip, options }: JupyterLabHost): void {
  const needs = { skip };
  describe(kind, needs, () => {
    const world = worldPerTest(options);

    test(
      'JupyterLab 4 starts, accepts another laptop, shows its kernels and stops, and leaves nothing',
      needs,
      async () => {
        const { laptop } = world;
        mkdirSync(join(world.home, "it's data"));
        const words = ['--directory', "it's data", ...(await ports())];
        const shown = await started(laptop, ...words);
        const page = await fetch((await done(laptop, 'open', '--print')).trim());
        assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/lab']);
        const kernel = await openSession(laptop, shown, 'walk.ipynb');
        const other = world.anotherLaptop();
        const joined = await started(other, ...words.slice(0, 4));
        assert.deepEqual([joined.joined, joined.jupyter.pid], [true, shown.jupyter.pid]);
        await done(other, 'stop', '--keep-server');
        await makeBusy(world, laptop, shown, kernel);
        const { jupyter: server } = await statusOf(laptop);
        assert.match(server.version, /^4\./);
        assert.deepEqual(
          server.kernels.map(({ notebook, state }: Record<string, string>) => [notebook, state]),
          [['walk.ipynb', 'busy']],
        );
        const refused = await laptop.run('stop');
        assert.deepEqual(
          [refused.code, /still running code: walk\.ipynb/.test(refused.stderr)],
          [1, true],
          refused.stderr,
        );
        assert.equal(JSON.parse(await done(laptop, 'stop', '--yes', '--json')).outcome, 'shutdown');
        await nothingIsLeft(world, laptop);
      },
    );

    test(
      'a JupyterLab 4 that another laptop started is listed with its version, and can be adopted by its port',
      needs,
      async () => {
        const { jupyter: server } = await started(world.laptop, ...(await ports()));
        const other = world.anotherLaptop();
        const { servers } = JSON.parse(await done(other, 'status', 'loopback', '{F}', '--all', '--json'));
        // The list also has servers of other tests, whose user is the same.
        const listed = servers.find(({ pid }: { pid: number }) => pid === server.pid);
        assert.equal(listed.port, server.port);
        assert.match(listed.version, /^2\./);
        const joined = await started(other, '--adopt', String(server.port));
        assert.deepEqual([joined.name, joined.joined, joined.jupyter.pid], ['loopback', true, server.pid]);
      },
    );

    test(
      'after a restart of JupyterLab 4 the same address needs a new token, and its log shows no token',
      needs,
      async () => {
        const { laptop } = world;
        const before = await started(laptop, ...(await ports()));
        const url = (await done(laptop, 'open', '--print')).trim();
        const after: Shown = JSON.parse(await done(laptop, 'restart', '--json'));
        assert.notEqual(after.jupyter.pid, before.jupyter.pid);
        const now = (await done(laptop, 'open', '--print')).trim();
        const [address, token] = url.split('?');
        assert.deepEqual([now.split('?')[0], now.split('?')[1] === token], [address, false]);
        const api = (page: string) => page.replace('?', 'api/status?');
        assert.deepEqual([(await fetch(api(now))).status, (await fetch(api(url))).status], [200, 403]);
        const log = await done(laptop, 'logs');
        assert.match(log, /Jupyter Server 2\.\S+ is running at/);
        assert.equal(log.includes(serverRecord(laptop).token), false);
      },
    );

    test('JupyterLab 4 listens on a private socket, and on no port', needs, async () => {
      const { laptop } = world;
      const shown = await started(laptop, ...(await ownLocalPort()));
      const { port, socket } = shown.jupyter as { port: number | null; socket?: string };
      assert.equal(port, null);
      assert.equal(statSync(socket ?? '').mode & 0o777, 0o600);
      const { token } = serverRecord(laptop);
      assert.deepEqual(await askJupyter(shown.tunnel.localPort, token, '/api/kernels'), []);
      await done(laptop, 'stop');
      assert.throws(() => statSync(socket ?? ''), { code: 'ENOENT' });
    });

    test('doctor finds no problem with a running JupyterLab 4', needs, async () => {
      await started(world.laptop, ...(await ports()));
      const { code, stdout } = await world.laptop.run('doctor', '--json');
      assert.equal(code, 0, stdout);
      assert.match(stdout, /jupyter lab 4\./);
    });

    test('every command that starts a Jupyter there works, and its page opens', needs, async () => {
      const { laptop } = world;
      for (const command of ['jupyter notebook', 'python3 -m jupyterlab', 'python3 -m jupyter_server']) {
        await started(laptop, '--command', command, ...(await ports()));
        const answer = await fetch((await done(laptop, 'open', '--print')).trim());
        assert.equal(answer.status, 200, command);
        await done(laptop, 'stop');
      }
    });
  });
}
