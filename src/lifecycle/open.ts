import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KnownServer } from '../config/resolve.ts';
import { documentPage, documentParts, documentType, landingPage } from '../jupyter/documents.ts';
import { pageUrl, withToken } from '../jupyter/server.ts';
import type { ServerStatus } from '../model/status.ts';
import { isJoined, type ServerRecord } from '../state/records.ts';
import { openBrowser } from '../system/browser.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { reason, writePrivateFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { REQUEST_TIMEOUT_MS, reachableApi } from './prove.ts';
import { answeringStatus } from './status.ts';

/** The page that redirects a browser to this server. It contains the token, so its mode is 0600, as that of Jupyter's own page. */
export function redirectFile(name: string, env: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), `open-${name}.html`);
}

/**
 * Returns the record and the status of a server that can be opened.
 * @throws Failure when the server was not started or has ended, or no tunnel leads to it
 */
export async function reachableServer(
  { spec, record }: KnownServer,
  context: Context,
): Promise<{ record: ServerRecord; status: ServerStatus }> {
  if (record) return { record, status: await answeringStatus(record, context) };
  throw new Failure(`"${spec.name}" is not started`, {
    remedy: `Start it: remote-notebook start ${spec.name}`,
  });
}

/**
 * The URL of a server's page, or of that of a document, without the token.
 * @param document relative to the server's directory, or absolute below it; undefined for the page of the server
 * @throws UsageError for a path that leaves the directory, Failure when there is no such document
 */
export async function urlOf(
  record: ServerRecord,
  document: string | undefined,
  context: Context,
): Promise<string> {
  if (!isJoined(record)) throw new Error('the record has no Jupyter, so there is no page');
  const { spec, jupyter: server, forwards } = record;
  const page = pageUrl(forwards.own.localPort, server);
  if (document === undefined) return page;
  const parts = documentParts(document, server.directory);
  const failure = (what: string, remedy: string) => new Failure(what, { remedy });
  const api = await reachableApi(record, context);
  const asked = api && {
    type: documentType(api, parts, context.signal, REQUEST_TIMEOUT_MS),
    landing: landingPage(api, context.signal, REQUEST_TIMEOUT_MS),
  };
  try {
    const [type, landing] = await Promise.all([asked?.type, asked?.landing]);
    if (type !== undefined && landing !== undefined)
      return page + documentPage(landing, server.command, type, parts);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    throw failure(
      `cannot check whether "${spec.name}" has "${document}": ${reason(error)}`,
      `Open its page instead: remote-notebook open ${spec.name}`,
    );
  }
  throw failure(
    `there is no "${document}" in ${server.directory} on ${spec.destination}, or Jupyter does not show it`,
    `"${spec.name}" is running. To open its page: remote-notebook open ${spec.name}`,
  );
}

/** The URL with the server's token. Only the user may see it. */
export function secretUrl(url: string, { jupyter }: ServerRecord): string {
  return withToken(url, jupyter?.token ?? '');
}

/** Opens a page of a server by a file, which keeps its token out of argument lists. Returns whether a browser was found. */
export async function openPage(url: string, record: ServerRecord, context: Context): Promise<boolean> {
  const file = redirectFile(record.spec.name, context.env);
  await writePrivateFile(file, redirectPage(secretUrl(url, record)));
  return openBrowser(pathToFileURL(file).href, context);
}

function redirectPage(url: string): string {
  const escaped = url.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!DOCTYPE html>
<html>
<head>
  <meta charset="utf-8">
  <meta name="referrer" content="no-referrer">
  <meta http-equiv="refresh" content="0;url=${escaped}">
  <title>Opening the server</title>
</head>
<body><p>If nothing happens, <a href="${escaped}">open the server</a>.</p></body>
</html>
`;
}
