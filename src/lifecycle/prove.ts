import { setTimeout } from 'node:timers/promises';
import { HostFailure } from '../host/failures.ts';
import { lookAtServer } from '../host/servers.ts';
import { type Api, type Proof, proveServer } from '../jupyter/api.ts';
import { identityText } from '../model/identity.ts';
import type { Connection } from '../ssh/arguments.ts';
import { sshCause } from '../ssh/messages.ts';
import { isJoined, type JoinedRecord, type ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { readSshOutput } from '../tunnel/keeper.ts';
import { forbiddenForward, isForwardUp } from '../tunnel/tunnel.ts';

/** Timeout for one request to a server that should be running. */
const REQUEST_TIMEOUT_MS = 5000;
/** Timeout for the first response of a server that has written its runtime file. */
const PROVE_TIMEOUT_MS = 60_000;
/** The pause before its host is asked whether a server that does not respond is still running. */
const SILENCE_MS = 3000;
/** Timeout for sshd to connect to a socket. sshd reports the same error for a forbidden socket and an unused one. */
const SOCKET_TIMEOUT_MS = 10_000;

/** The API of a server through its own forward, while our ssh has that. */
function apiOf({ jupyter, forwards: { own } }: JoinedRecord, connection: Connection): Api {
  return { ...jupyter, end: { port: own.localPort }, isOurs: () => isForwardUp(connection, own) };
}

/** The API of a server, or undefined without a tunnel. */
export async function reachableApi(record: ServerRecord, context: Context): Promise<Api | undefined> {
  if (!isJoined(record)) return undefined;
  const connection = connectionOf(record.spec, context.env);
  return (await isForwardUp(connection, record.forwards.own)) ? apiOf(record, connection) : undefined;
}

/**
 * Sends requests to the server through the tunnel until it responds: only then is it ready. A new jupyter_server writes
 * its runtime file some milliseconds before it listens, and ends if another program takes its port in between.
 * @returns the record, with the version that the server reports
 * @throws Failure with the reason: another server, an sshd that forbids the forward, no response, or its end
 */
export async function prove(record: JoinedRecord, context: Context): Promise<JoinedRecord> {
  const over = new AbortController();
  const bounded = { ...context, signal: AbortSignal.any([context.signal, over.signal]) };
  try {
    return await Promise.race([firstResponse(record, bounded), endOfServer(record, bounded)]);
  } finally {
    over.abort();
  }
}

/** Asks the host of a silent server from time to time. Only rejects: with the end of its log, when it has ended. */
async function endOfServer({ spec, jupyter: server }: JoinedRecord, context: Context): Promise<never> {
  const connection = connectionOf(spec, context.env);
  for (;;) {
    await setTimeout(SILENCE_MS, undefined, { signal: context.signal }).catch(() => {
      throw new Interrupted();
    });
    const found = await lookAtServer({ connection, spec, context }, server).catch((error: unknown) => {
      // Without an answer of the host, the state of the server is unknown.
      if (error instanceof Failure && !(error instanceof Interrupted)) return undefined;
      throw error;
    });
    if (found?.lives === false) throw new HostFailure({ cause: 'died', log: found.log }, spec);
  }
}

async function firstResponse(record: JoinedRecord, context: Context): Promise<JoinedRecord> {
  const { spec, jupyter: server, forwards } = record;
  const connection = connectionOf(spec, context.env);
  const api = apiOf(record, connection);
  const begun = Date.now();
  const deadline = begun + PROVE_TIMEOUT_MS;
  const before = readSshOutput(connection).length;
  const sshOutput = () => {
    const all = readSshOutput(connection);
    // After a reconnect, ssh has a new log.
    return all.length < before ? all : all.slice(before);
  };
  const isForbidden = () => sshCause(sshOutput()) === 'forwarding-prohibited';
  const isClosed = () =>
    server.socket !== undefined && Date.now() > begun + SOCKET_TIMEOUT_MS && /open failed/.test(sshOutput());
  for (;;) {
    // Without a tunnel, no request notices the signal.
    if (context.signal.aborted) throw new Interrupted();
    const timeoutMs = Math.max(REQUEST_TIMEOUT_MS, deadline - Date.now());
    const proof: Proof = (await isForwardUp(connection, forwards.own))
      ? await proveServer(api, server.version, context.signal, timeoutMs)
      : { state: 'silent', reason: 'the tunnel was lost' };
    if (proof.state === 'ours') return withVersion(record, proof.version);
    const isLate = Date.now() > deadline - REQUEST_TIMEOUT_MS;
    if (proof.state === 'refused' || isForbidden() || isClosed() || isLate)
      throw notProven(record, proof, isForbidden());
    await setTimeout(20);
  }
}

export function withVersion(record: JoinedRecord, version: string | undefined): JoinedRecord {
  return { ...record, jupyter: { ...record.jupyter, version: version ?? record.jupyter.version } };
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
      { remedy: 'Another server has that port. Choose another port with --port.' },
    );
  }
  if (isForbidden) return forbiddenForward(destination, `Jupyter (${place})`);
  return new Failure(
    `Jupyter started on ${destination} (${identityText(server.identity)}), but did not respond through the tunnel: ${proof.reason}`,
    {
      remedy: server.socket
        ? 'Does sshd there allow forwarding to sockets (AllowStreamLocalForwarding)? If not, omit --socket.'
        : 'Is the host very busy, or out of memory? Try again.',
    },
  );
}
