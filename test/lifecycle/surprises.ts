import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { done, started } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeWorld, type World, type WorldOptions } from '../hosts/world.ts';

/** A Jupyter that reads a configuration of its own. */
interface ConfiguredJupyter {
  readonly kind: string;
  readonly command: string;
  /** The class of its options. */
  readonly app: string;
  readonly skip: string | false;
  readonly options?: () => WorldOptions | Promise<WorldOptions>;
}

/** As `jupyter notebook password` writes it; jupyter_server reads it, too. */
const PASSWORD = `sha1:0123456789ab:${createHash('sha1').update('secret0123456789ab').digest('hex')}`;

/** What people have in Jupyter's own configuration. */
export function describeSurprises({
  kind,
  command,
  app,
  skip,
  options = () => ({}),
}: ConfiguredJupyter): void {
  describe(kind, { skip }, () => {
    let world: World;
    before(async () => {
      world = await makeWorld(await options());
    });
    after(() => world.remove());

    /** For both names: each Jupyter ignores the name that is not its own. */
    function configure(lines: readonly string[], json = {}): void {
      const folder = join(world.home, '.jupyter');
      mkdirSync(folder, { recursive: true });
      for (const name of ['jupyter_notebook_config', 'jupyter_server_config']) {
        writeFileSync(join(folder, `${name}.py`), `${lines.join('\n')}\n`);
        writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
      }
    }

    /** Starts with these lines in the configuration, opens the page as the browser does, and stops. */
    async function usedWith(
      [lines, json]: Parameters<typeof configure>,
      look: (port: number) => void = () => {},
    ): Promise<URL> {
      configure(lines, json);
      const shown = await started(world.laptop, `--command=${command}`, ...(await ports()));
      const url = new URL((await done(world.laptop, 'open', '--print')).trim());
      assert.equal(await pageStatus(url), 200);
      look(shown.jupyter.port);
      await done(world.laptop, 'stop');
      await nothingIsLeft(world);
      return url;
    }

    test('a start works with an empty token in the configuration of Jupyter', async () => {
      await usedWith([[`c.${app}.token = ''`]]);
    });

    test('a password without a token is reported with the line to remove, and nothing is left behind', async () => {
      configure([`c.${app}.token = ''`, `c.${app}.password = '${PASSWORD}'`]);
      const { code, stderr } = await world.laptop.run(
        'start',
        'loopback',
        '{F}',
        `--command=${command}`,
        ...(await ports()),
      );
      assert.equal(code, 1);
      assert.match(
        stderr,
        /its own configuration accepts no token, only a password\nRemove the line token = ''/,
      );
      await nothingIsLeft(world);
    });

    test('a token in the configuration opens the page', async () => {
      const url = await usedWith([[`c.${app}.token = 'my own'`]]);
      assert.equal(url.searchParams.get('token'), 'my own');
    });

    test('the JSON files of the configuration apply, too', async () => {
      const json = { [app]: { base_url: '/json/', port: await freePort(), ip: '*', password: PASSWORD } };
      const { pathname } = await usedWith([[`c.${app}.base_url = '/py/'`], json]);
      assert.match(pathname, /^\/json\//);
    });

    test('with a certificate, the page uses https', async () => {
      const [key, certificate] = [join(world.home, 'key.pem'), join(world.home, 'certificate.pem')];
      const what = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2'];
      execFileSync('openssl', ['req', ...what, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
      const lines = [`c.${app}.certfile = '${certificate}'`, `c.${app}.keyfile = '${key}'`];
      const { protocol } = await usedWith([lines]);
      assert.equal(protocol, 'https:');
    });

    test('a password works, a base_url becomes part of the page, and the options of start override address, port, browser and folder', async () => {
      const port = await freePort();
      const lines = [
        `c.${app}.password = '${PASSWORD}'`,
        `c.${app}.base_url = '/users/me%20too'`,
        `c.${app}.ip = '0.0.0.0'`,
        `c.${app}.allow_remote_access = True`,
        `c.${app}.port = ${port}`,
        `c.${app}.port_retries = 0`,
        `c.${app}.open_browser = True`,
        `c.${app}.notebook_dir = '/'`,
      ];
      const { pathname } = await usedWith([lines], (used) => {
        assert.notEqual(used, port);
        const listeners = execFileSync('ss', ['-Hltn', `sport = :${used}`], { encoding: 'utf8' });
        assert.match(listeners, /127\.0\.0\.1:/);
        assert.equal(listeners.trim().split('\n').length, 1, listeners);
      });
      assert.match(pathname, /^\/users\/me%20too\//);
    });
  });
}

/** The HTTP status of the page at a URL, with any certificate. */
function pageStatus(url: URL): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      const { location } = response.headers;
      resolve(location === undefined ? response.statusCode : pageStatus(new URL(location, url)));
    }).once('error', reject);
  });
}
