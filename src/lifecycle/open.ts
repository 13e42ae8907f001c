import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KnownServer } from '../config/resolve.ts';
import { pageUrl, withToken } from '../jupyter/server.ts';
import type { ServerStatus } from '../model/status.ts';
import { isJoined, type ServerRecord } from '../state/records.ts';
import { openBrowser } from '../system/browser.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { writePrivateFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
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

/** The URL of the server's page with its token. Only the user may see it. */
export function secretUrl(record: ServerRecord): string {
  if (!isJoined(record)) throw new Error('the record has no Jupyter, so there is no page');
  const { jupyter: server, forwards } = record;
  return withToken(pageUrl(forwards.own.localPort, server), server.token);
}

/** Opens the server's page by a file, which keeps its token out of argument lists. Returns whether a browser was found. */
export async function openPage(record: ServerRecord, context: Context): Promise<boolean> {
  const file = redirectFile(record.spec.name, context.env);
  await writePrivateFile(file, redirectPage(secretUrl(record)));
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
