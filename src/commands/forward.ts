import { CONFIG_FILE, defineVerb, flag, SERVER, verifyAlone } from '../line/verb.ts';
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
    cancel: flag('take these ports back instead'),
    plain: flag("run the article's own command, to the letter"),
  },
  examples: [
    ['$0 forward', 'the tunnel of the only server, up again'],
    ['$0 forward gpu 6006', 'and TensorBoard, on the same connection'],
    ['$0 forward gpu 6006 --cancel', 'TensorBoard no more'],
    ['$0 forward gpu --adopt 8888', 'to a Jupyter that was started by hand: see status --all'],
    ['$0 forward gpu 8787:localhost:8787', "as ssh's -L has it"],
    ['$0 forward gpu 0.0.0.0:6006:localhost:6006', 'for other machines, too'],
  ],
  async run(args, terminal) {
    const { context, style } = terminal;
    const { cancelForwards, forwardServer, parseForward } = await import('../lifecycle/forward.ts');
    const { knownServer } = await import('../config/resolve.ts');
    const [name, ports] = splitPorts(args.server, args.ports ?? []);
    const more = ports.map((port) => parseForward(String(port)));
    if (args.cancel) {
      verifyAlone('--cancel', [args.plain && '--plain', args.adopt !== undefined && '--adopt']);
      if (more.length === 0)
        throw new UsageError('--cancel needs to know which ports', {
          remedy:
            'Name them: remote-notebook forward NAME 6006 --cancel. The whole tunnel: stop NAME --keep-server',
        });
    }
    const { spec } =
      args.adopt === undefined
        ? await knownServer(name, args.sshConfig, context)
        : (await adoptNamed(args.adopt, { ...args, server: name }, terminal)).record;
    const { articleRecord } = await import('../article/store.ts');
    const isArticle = articleRecord(spec.name, context) !== undefined;
    if (args.cancel && isArticle)
      throw new UsageError(`"${spec.name}" was started with --plain, and has no further ports`);
    if (args.plain || isArticle) {
      const { forwardPlain } = await import('../article/article.ts');
      await forwardPlain(spec, context);
      terminal.show(`The tunnel to ${spec.destination} is up.`);
      return 0;
    }
    const { record, status } = args.cancel
      ? await cancelForwards(spec, more, context)
      : await forwardServer(spec, more, context);
    const gone = more.map(({ localPort }) => localPort).join(', ');
    const news = args.cancel ? `no longer forwards ${gone}` : `the tunnel to ${status.destination} is up`;
    terminal.show(`${style.bold(status.name)}: ${news}.`);
    const { allForwards } = await import('../state/records.ts');
    await terminal.result(status, () =>
      allForwards(record.forwards).map(
        ({ bindAddress, localPort, target }) => `${bindAddress}:${localPort} -> ${target}`,
      ),
    );
    return 0;
  },
});

/** `forward 6006` names a port and no server. */
function splitPorts(server: string | undefined, ports: string[]): [string | undefined, string[]] {
  return server !== undefined && /^\d+$|^(\d+|\*|\d+(\.\d+){3}|\[[^\]]*\]):/.test(server)
    ? [undefined, [server, ...ports]]
    : [server, ports];
}
