import type { KnownServer } from '../config/resolve.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER } from '../line/verb.ts';
import type { ServerStatus } from '../model/status.ts';
import type { Forward } from '../ssh/arguments.ts';
import type { ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
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
    const { parseForward } = await import('../lifecycle/forward.ts');
    const { knownServer } = await import('../config/resolve.ts');
    const [name, ports] = splitPorts(args.server, args.ports ?? []);
    const more = ports.map((port) => parseForward(String(port)));
    if (args.cancel) verifyCancel(args, more);
    const known =
      args.adopt === undefined
        ? await knownServer(name, args.sshConfig, context)
        : await adopted(args.adopt, { ...args, server: name }, terminal);
    const { articleRecord } = await import('../article/store.ts');
    const isArticle = articleRecord(known.spec.name, context) !== undefined;
    if (args.cancel && isArticle)
      throw new UsageError(`"${known.spec.name}" was started with --plain, and has no further ports`);
    if (args.plain || isArticle) {
      const { forwardPlain } = await import('../article/article.ts');
      await forwardPlain(known.spec, context);
      terminal.say(`The tunnel to ${known.spec.destination} is up.`);
      return 0;
    }
    const { record, status } = await (args.cancel ? cancelled : forwarded)(known, more, context);
    const gone = more.map(({ localPort }) => localPort).join(', ');
    const news = args.cancel ? `no longer forwards ${gone}` : `the tunnel to ${status.destination} is up`;
    terminal.say(`${style.bold(status.name)}: ${news}.`);
    const { allForwards } = await import('../state/records.ts');
    await terminal.result(status, () =>
      allForwards(record.forwards).map(
        ({ bindAddress, localPort, target }) => `${bindAddress}:${localPort} -> ${target}`,
      ),
    );
    return 0;
  },
});

function verifyCancel(
  { plain, adopt }: { plain: boolean; adopt?: number | undefined },
  ports: readonly Forward[],
): void {
  if (ports.length === 0)
    throw new UsageError('--cancel needs to know which ports', {
      remedy:
        'Name them: remote-notebook forward NAME 6006 --cancel. The whole tunnel: stop NAME --keep-server',
    });
  if (plain || adopt !== undefined)
    throw new UsageError('--cancel takes ports of a known tunnel back, and goes with no --plain or --adopt');
}

interface Forwarded {
  readonly record: ServerRecord;
  readonly status: ServerStatus;
}

async function forwarded(known: KnownServer, more: readonly Forward[], context: Context): Promise<Forwarded> {
  const { forwardServer, isPrivate } = await import('../lifecycle/forward.ts');
  const result = await forwardServer(known, more, context);
  for (const { bindAddress, localPort } of more.filter((forward) => !isPrivate(forward)))
    context.report.note(`others can reach port ${localPort} of this machine, at ${bindAddress}`);
  return result;
}

async function cancelled(
  known: KnownServer,
  ports: readonly Forward[],
  context: Context,
): Promise<Forwarded> {
  const { cancelForwards } = await import('../lifecycle/forward.ts');
  const { serverStatus } = await import('../lifecycle/status.ts');
  const localPorts = ports.map(({ localPort }) => localPort);
  const record = await cancelForwards(known.spec, localPorts, context);
  return { record, status: await serverStatus(record, context) };
}

/** The server that is adopted, whose tunnel is up. */
async function adopted(...words: Parameters<typeof adoptNamed>): Promise<KnownServer> {
  const { record } = await adoptNamed(...words);
  return { spec: record.spec, record };
}

/** `forward 6006` names a port and no server. */
function splitPorts(server: string | undefined, ports: string[]): [string | undefined, string[]] {
  return server !== undefined && /^\d+$|^(\d+|\*|\d+(\.\d+){3}|\[[^\]]*\]):/.test(server)
    ? [undefined, [server, ...ports]]
    : [server, ports];
}
