import { setTimeout } from 'node:timers/promises';
import { HostFailure } from '../host/failures.ts';
import { lookAtServer } from '../host/servers.ts';
import { type Api, type Proof, proveServer } from '../jupyter/api.ts';
import { identityText } from '../model/identity.ts';
import type { Connection } from '../ssh/arguments.ts';
import { SshFailure, sshCause } from '../ssh/messages.ts';
import { isJoined, type JoinedRecord, type ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { readWords } from '../tunnel/keeper.ts';
import { connectionOf, isForwardUp } from '../tunnel/tunnel.ts';

/** One look at a server that should be there. */
const LOOK_TIMEOUT_MS = 5000;
/** How long a server that has written its runtime file may take to answer. */
const PROVE_TIMEOUT_MS = 60_000;
/** After so long a silence its host is asked whether it is still there. */
const SILENCE_MS = 3000;
/** A socket that sshd cannot, or may not, connect to for so long has nobody behind it: sshd says the same of both. */
const SOCKET_TIMEOUT_MS = 10_000;

/** Where the API of a server is reached through its own forward, for as long as our ssh holds that. */
function apiOf({ jupyter, forwards: { own } }: JoinedRecord, connection: Connection): Api {
  return { ...jupyter, end: { port: own.localPort }, isOurs: () => isForwardUp(connection, own) };
}

/** Where the API of a server is reached now. Undefined without a tunnel. */
export async function reachableApi(record: ServerRecord, context: Context): Promise<Api | undefined> {
  if (!isJoined(record)) return undefined;
  const connection = connectionOf(record.spec, context.env);
  return (await isForwardUp(connection, record.forwards.own)) ? apiOf(record, connection) : undefined;
}

/**
 * Asks the server through the tunnel until it answers: only this makes it ready. A new jupyter_server writes
 * its runtime file some milliseconds before it listens, and ends where somebody else has taken its port in between.
 * @returns the record, with the version that the server tells
 * @throws Failure with what is in the way: another server, an sshd that forbids it, silence, or that it has ended
 */
export async function prove(
  record: JoinedRecord,
  connection: Connection,
  context: Context,
): Promise<JoinedRecord> {
  const over = new AbortController();
  const bounded = { ...context, signal: AbortSignal.any([context.signal, over.signal]) };
  try {
    return await Promise.race([
      answer(record, connection, bounded),
      endOfServer(record, connection, bounded),
    ]);
  } finally {
    over.abort();
  }
}

/** Looks at a silent server on its host now and then. Only rejects: with its last words, once it is gone. */
async function endOfServer(
  { spec, jupyter: server }: JoinedRecord,
  connection: Connection,
  context: Context,
): Promise<never> {
  for (;;) {
    await setTimeout(SILENCE_MS, undefined, { signal: context.signal }).catch(() => {
      throw new Interrupted();
    });
    const found = await lookAtServer({ connection, spec, context }, server).catch((error: unknown) => {
      // A host that cannot be asked just now tells nothing of its server.
      if (error instanceof Failure && !(error instanceof Interrupted)) return undefined;
      throw error;
    });
    if (found?.lives === false) throw new HostFailure({ cause: 'died', log: found.log }, spec);
  }
}

async function answer(record: JoinedRecord, connection: Connection, context: Context): Promise<JoinedRecord> {
  const { jupyter: server, forwards } = record;
  const api = apiOf(record, connection);
  const begun = Date.now();
  const deadline = begun + PROVE_TIMEOUT_MS;
  const words = wordsFromNow(connection);
  const isProhibited = () => sshCause(words()) === 'forwarding-prohibited';
  const isClosed = () =>
    server.socket !== undefined && Date.now() > begun + SOCKET_TIMEOUT_MS && /open failed/.test(words());
  let proof: Proof;
  for (;;) {
    // Without a tunnel nothing else hears of it, and the process would not end before the deadline.
    if (context.signal.aborted) throw new Interrupted();
    const patienceMs = Math.max(LOOK_TIMEOUT_MS, deadline - Date.now());
    proof = (await isForwardUp(connection, forwards.own))
      ? await proveServer(api, server.version, context.signal, patienceMs)
      : { state: 'silent', reason: 'the tunnel was lost' };
    // Where sshd forbids the forward, no patience helps; near the deadline, another try would have no time.
    if (proof.state !== 'silent' || isProhibited() || isClosed() || Date.now() > deadline - LOOK_TIMEOUT_MS)
      break;
    await setTimeout(20);
  }
  if (proof.state !== 'ours') throw notProven(record, proof, isProhibited());
  return withVersion(record, proof.version);
}

export function withVersion(record: JoinedRecord, version: string | undefined): JoinedRecord {
  return { ...record, jupyter: { ...record.jupyter, version: version ?? record.jupyter.version } };
}

/** What ssh says from now on. After a reconnect it has a log of its own. */
function wordsFromNow(connection: Connection): () => string {
  const said = readWords(connection).length;
  return () => {
    const all = readWords(connection);
    return all.length < said ? all : all.slice(said);
  };
}

function notProven({ spec, jupyter: server }: JoinedRecord, proof: Proof, isProhibited: boolean): Failure {
  if (proof.state === 'refused' && server.token === '') {
    return new Failure(
      `Jupyter came up on ${spec.destination}, but its own configuration takes no token there, only a password`,
      {
        remedy:
          "Take the line token = '' out of the jupyter_*_config files in ~/.jupyter on the host. The password goes on working.",
      },
    );
  }
  if (proof.state === 'refused') {
    return new Failure(
      `${server.socket ?? `port ${server.port}`} of ${spec.destination} answers, but refuses the server's token (HTTP ${proof.status})`,
      { remedy: 'Another server holds that port. Name another with --port.' },
    );
  }
  if (isProhibited) {
    return new SshFailure(
      'forwarding-prohibited',
      `the sshd of ${spec.destination} forbids to forward to Jupyter (${server.socket ?? `port ${server.port}`})`,
      {
        remedy:
          'It is for its administrator to allow: AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key in authorized_keys.',
      },
    );
  }
  const reason = proof.state === 'silent' ? proof.reason : '';
  return new Failure(
    `Jupyter came up on ${spec.destination} (${identityText(server.identity)}), but did not answer through the tunnel: ${reason}`,
    {
      remedy: server.socket
        ? 'Does its sshd allow to forward to sockets (AllowStreamLocalForwarding)? If not, leave out --socket.'
        : 'Is the host very busy, or out of memory? Try once more.',
    },
  );
}
