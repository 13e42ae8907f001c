import { setTimeout } from 'node:timers/promises';
import { HostFailure } from '../host/failures.ts';
import type { OnHost } from '../host/run-script.ts';
import { type Looked, listensItself, lookAtServer } from '../host/servers.ts';
import { type Api, type Proof, proveServer } from '../jupyter/api.ts';
import { identityText } from '../model/identity.ts';
import type { JobPlace } from '../model/relay-place.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, forwardSpec } from '../ssh/arguments.ts';
import { SshFailure, sshCause } from '../ssh/causes/messages.ts';
import {
  isGuarded,
  isJoined,
  type JoinedRecord,
  type JupyterRecord,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, endedBy } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { isUp, type KeeperState, keeperState, sshOutputSince } from '../tunnel/keeper.ts';
import { HangingSsh } from '../tunnel/master.ts';
import { forbiddenForward, isForwardUp } from '../tunnel/tunnel.ts';

/** Timeout for one request to a server that should be running. */
export const REQUEST_TIMEOUT_MS = 5000;
/** Timeout for the first response of a server that has written its runtime file. */
const PROVE_TIMEOUT_MS = 60_000;
/** The pause before its host is asked whether a server that does not respond is still running. */
const SILENCE_MS = 3000;
/** The same for a server in a job: its scheduler may not be asked often. */
const JOB_SILENCE_MS = 20_000;
/** Time in which one of the ways to the node of a job must have worked. */
const WAY_TIMEOUT_MS = 20_000;
/**
 * Time in which sshd must connect to a socket that exists. It reports the same error for a socket that it does not
 * forward to and for one on which nobody listens, and a server listens an instant after it has created its socket.
 */
const SOCKET_TIMEOUT_MS = 300;

/** The API of a server through its own forward, while our keeper has that and only the server listens at its end. */
function apiOf(record: JoinedRecord, connection: Connection, context: Context): Api {
  const { spec, jupyter, forwards } = record;
  const isOurs = async () =>
    (await isForwardUp(connection, forwards.own)) &&
    (isGuarded(record) || listensItself({ connection, spec, context }, jupyter));
  return { ...jupyter, end: { port: forwards.own.localPort }, isOurs };
}

/** The API of a server, or undefined without a tunnel. */
export async function reachableApi(record: ServerRecord, context: Context): Promise<Api | undefined> {
  if (!isJoined(record)) return undefined;
  const connection = connectionOf(record.spec, context.env);
  return (await isForwardUp(connection, record.forwards.own))
    ? apiOf(record, connection, context)
    : undefined;
}

/** @throws Failure when the server has ended, or it cannot be confirmed that it listens on its port */
export async function verifyListening(server: OnHost, jupyter: JupyterRecord): Promise<void> {
  if (jupyter.socket !== undefined) return;
  const looked = await lookAtServer(server, jupyter);
  if (!looked.lives) throw goneFailure(server.spec);
  if (looked.holds !== 'yes') throw notListening(server.spec, jupyter, looked);
}

/** The failure for a server whose process has ended. */
export function goneFailure({ name, destination }: ServerSpec): Failure {
  return new Failure(`the server of "${name}" on ${destination} is gone`, {
    remedy: `Start it again: remote-notebook start ${name} (remote-notebook status ${name} shows the end of its log)`,
  });
}

/** The failure for a running server on a port that another user of the host may have. */
export function notListening(
  { name, destination }: ServerSpec,
  { identity, port }: JupyterRecord,
  { holds }: Pick<Looked, 'holds'>,
): Failure {
  return holds === 'no'
    ? new Failure(
        `the server (${identityText(identity)} on ${destination}) does not listen on its port ${port}`,
        {
          remedy: `Stop it, and start it again: remote-notebook stop ${name}; remote-notebook start ${name}`,
        },
      )
    : new Failure(
        `${destination} does not show which process listens on port ${port}, so the token was not sent there`,
        { remedy: 'Install lsof on it, or start the server without --port.' },
      );
}

/**
 * Sends requests to the server through the tunnel until it responds: only then is it ready. A new jupyter_server writes
 * its runtime file some milliseconds before it listens, and ends if another program takes its port in between.
 * @returns the record, with the version that the server reports
 * @throws Failure with the reason: another server, an sshd that forbids the forward, no response, or its end
 */
export async function prove(record: JoinedRecord, context: Context): Promise<JoinedRecord> {
  const { baseUrl } = record.jupyter;
  // RFC 3986: Jupyter compares what a browser has encoded with the value itself, and finds no page.
  if (!/^(?:[\w\-.~!$&'()*+,;=:@/]|%[\da-f]{2})*$/i.test(baseUrl))
    throw new Failure(
      `Jupyter's own configuration on ${record.spec.destination} sets the base_url "${baseUrl}", under which no page can be reached`,
      {
        remedy: 'Use only letters from a to z, digits, dashes and slashes in it: see ~/.jupyter on the host.',
      },
    );
  const over = new AbortController();
  const bounded = endedBy(over.signal, context);
  try {
    return await Promise.race([firstResponse(record, bounded), endOfServer(record, bounded)]);
  } finally {
    over.abort();
  }
}

/** Asks the host of a silent server from time to time. Only rejects: with the end of its log, when it has ended. */
async function endOfServer({ spec, jupyter: server, relay }: JoinedRecord, context: Context): Promise<never> {
  const connection = connectionOf(spec, context.env);
  for (;;) {
    await setTimeout(relay?.job ? JOB_SILENCE_MS : SILENCE_MS, undefined, { signal: context.signal }).catch(
      () => {
        throw new Interrupted();
      },
    );
    const found = await lookAtServer({ connection, spec, context }, server).catch((error: unknown) => {
      // Without an answer of the host, the state of the server is unknown.
      const isFinal = error instanceof Interrupted || error instanceof HangingSsh;
      if (error instanceof Failure && !isFinal) return undefined;
      throw error;
    });
    if (found?.lives === false) throw new HostFailure({ cause: 'died', log: found.log }, spec);
  }
}

async function firstResponse(record: JoinedRecord, context: Context): Promise<JoinedRecord> {
  const { spec, jupyter: server, forwards } = record;
  const connection = connectionOf(spec, context.env);
  const api = apiOf(record, connection, context);
  const begun = Date.now();
  const deadline = begun + PROVE_TIMEOUT_MS;
  const before = sshOutputSince(connection, 0).end;
  const sshOutput = () => sshOutputSince(connection, before).text;
  // A relay is also reached without a forward.
  const isPlain = record.relay === undefined;
  const isForbidden = () => isPlain && sshCause(sshOutput()) === 'forwarding-prohibited';
  const isRefused = () =>
    isPlain &&
    server.socket !== undefined &&
    Date.now() > begun + SOCKET_TIMEOUT_MS &&
    /open failed/.test(sshOutput());
  for (;;) {
    // Without a tunnel, no request notices the signal.
    if (context.signal.aborted) throw new Interrupted();
    const keeper = await keeperState(connection);
    if (record.relay?.job && keeper && Date.now() > begun + WAY_TIMEOUT_MS)
      verifyWay(record, record.relay.job, keeper);
    if (!keeper)
      throw new Failure(`the keeper of the connection to ${spec.destination} was killed`, {
        remedy: 'Run the command again.',
      });
    const timeoutMs = Math.max(REQUEST_TIMEOUT_MS, deadline - Date.now());
    const proof: Proof = isUp(keeper, forwards.own)
      ? await proveServer(api, server.version, context.signal, timeoutMs)
      : { state: 'silent', reason: 'the tunnel was lost' };
    if (proof.state === 'ours') return withVersion(record, proof.version);
    const isLate = Date.now() > deadline - REQUEST_TIMEOUT_MS;
    if (proof.state === 'silent' && isRefused()) {
      const { lives, log } = await lookAtServer({ connection, spec, context }, server);
      throw lives ? forbiddenSocket(spec) : new HostFailure({ cause: 'died', log }, spec);
    }
    if (proof.state === 'refused' || isForbidden() || isLate) throw notProven(record, proof, isForbidden());
    await setTimeout(20);
  }
}

/** @throws Failure with the reasons, if nothing leads to the node of a job */
function verifyWay({ spec, forwards }: JoinedRecord, { node, id }: JobPlace, keeper: KeeperState): void {
  const reason = keeper.reasons?.[forwardSpec(forwards.own)];
  if (reason === undefined || isUp(keeper, forwards.own)) return;
  throw new Failure(
    `there is no way to the node ${node} of the job ${id} on ${spec.destination}: ${reason}`,
    {
      remedy:
        'Ask the administrators of the cluster to allow you further steps in your own jobs, or an ssh with your key to nodes on which you have a job. Without either: --expose-on-cluster-network',
    },
  );
}

export function withVersion(record: JoinedRecord, version: string | undefined): JoinedRecord {
  return { ...record, jupyter: { ...record.jupyter, version: version ?? record.jupyter.version } };
}

/** The failure when sshd does not forward to the socket of a server that is running, and has no relay. */
function forbiddenSocket({ name, destination }: ServerSpec): SshFailure {
  return new SshFailure('forwarding-prohibited', `sshd on ${destination} does not forward to sockets`, {
    remedy: `Start the server on a port: remote-notebook stop ${name}; remote-notebook start ${name} --port 8889`,
  });
}

function notProven(
  { spec: { destination }, jupyter: server }: JoinedRecord,
  proof: Exclude<Proof, { state: 'ours' }>,
  isForbidden: boolean,
): Failure {
  const place = server.socket ?? `port ${server.port}`;
  if (proof.state === 'refused' && server.token === '') {
    return new Failure(
      `Jupyter started on ${destination}, but its own configuration accepts no token, only a password`,
      {
        remedy:
          "Remove the line token = '' from the jupyter_*_config files in ~/.jupyter on the host. The password keeps working.",
      },
    );
  }
  if (proof.state === 'refused') {
    return new Failure(
      `the server on ${place} of ${destination} does not accept the token (HTTP ${proof.status})`,
      {
        remedy: server.socket
          ? 'Check the settings of tokens and passwords in the jupyter_*_config files in ~/.jupyter on the host.'
          : 'Another server has that port. Choose another port with --port.',
      },
    );
  }
  if (isForbidden) return forbiddenForward(destination, `Jupyter (${place})`);
  return new Failure(
    `Jupyter started on ${destination} (${identityText(server.identity)}), but did not respond through the tunnel: ${proof.reason}`,
    { remedy: 'The host may be very busy or out of memory. Try again.' },
  );
}
