import { forwardPlain } from '../article/article.ts';
import { articleRecord } from '../article/store.ts';
import { knownServer } from '../config/resolve.ts';
import { cancelForwards, forwardServer, parseForward } from '../lifecycle/forward.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER, verifyAlone } from '../line/verb.ts';
import { allForwards } from '../ssh/arguments.ts';
import { UsageError } from '../system/errors.ts';
import { ADOPT, adoptNamed } from './adopt.ts';

export const forward = defineVerb({
  usage: 'forward [server] [ports..]',
  summary: "Bring a server's tunnel up again, or forward more ports",
  positionals: {
    server: { ...SERVER.server, completes: 'destinations' },
    ports: {
      describe: 'more ports of the host: 6006, LOCAL:PORT, LOCAL:HOST:PORT or ADDRESS:LOCAL:HOST:PORT',
      type: 'string',
      array: true,
    },
  },
  options: {
    ...CONFIG_FILE,
    ...ADOPT,
    cancel: flag('stop forwarding these ports'),
    plain: flag('run the second of the three plain ssh commands of an article instead (see docs/article.md)'),
  },
  examples: [
    ['$0 forward', 'reconnect the tunnel of the only server'],
    ['$0 forward gpu 6006', 'forward the port of TensorBoard over the same connection'],
    ['$0 forward gpu 6006 --cancel', 'stop forwarding that port'],
    ['$0 forward gpu --adopt 8888', 'connect to a Jupyter server that was started by hand'],
    ['$0 forward gpu 8787:localhost:8787', 'use the syntax of ssh -L'],
    ['$0 forward gpu 0.0.0.0:6006:localhost:6006', 'accept connections from other machines'],
  ],
  async run(args, terminal) {
    const { context, style } = terminal;
    const [name, ports] = splitPorts(args.server, args.ports ?? []);
    const more = ports.map(parseForward);
    if (args.cancel) {
      verifyAlone('--cancel', [args.plain && '--plain', args.adopt !== undefined && '--adopt']);
      if (more.length === 0)
        throw new UsageError('--cancel needs at least one port', {
          remedy:
            'Write: remote-notebook forward NAME 6006 --cancel. To close the whole tunnel: remote-notebook stop NAME --keep-server',
        });
    }
    const { spec } =
      args.adopt === undefined
        ? await knownServer(name, args.sshConfig, context)
        : (await adoptNamed(args.adopt, { ...args, server: name }, terminal)).record;
    const isArticle = articleRecord(spec.name, context) !== undefined;
    if (args.cancel && isArticle)
      throw new UsageError(`"${spec.name}" was started with --plain, which forwards no other ports`);
    if (args.plain || isArticle) {
      await forwardPlain(spec, context);
      terminal.show(`The tunnel to ${spec.destination} is up.`);
      return 0;
    }
    const change = args.cancel ? cancelForwards : forwardServer;
    const { record, status } = await change(spec, more, context);
    const canceled = more.map(({ localPort }) => localPort).join(', ');
    const outcome = args.cancel
      ? `no longer forwards ${canceled}`
      : `the tunnel to ${status.destination} is up`;
    terminal.show(`${style.bold(status.name)}: ${outcome}.`);
    await terminal.result(status, () =>
      allForwards(record.forwards).map(
        ({ bindAddress, localPort, target }) => `${bindAddress}:${localPort} -> ${target}`,
      ),
    );
    return 0;
  },
});

/** `forward 6006` has a port in place of the server. */
function splitPorts(server: string | undefined, ports: string[]): [string | undefined, string[]] {
  return server !== undefined && /^\d+$|^(\d+|\*|\d+(\.\d+){3}|\[[^\]]*\]):/.test(server)
    ? [undefined, [server, ...ports]]
    : [server, ports];
}
