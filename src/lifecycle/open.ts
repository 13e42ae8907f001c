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

/** The page that leads a browser to this server; it holds the token, so it is 0600, as Jupyter's own is. */
export function redirectFile(name: string, env: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), `open-${name}.html`);
}

/**
 * A server that can be opened: its record and its status.
 * @throws Failure when it is not started, no tunnel leads to its server, or that is gone
 */
export async function reachableServer(
  { spec, record }: KnownServer,
  context: Context,
): Promise<{ record: ServerRecord; status: ServerStatus }> {
  if (!record) {
    throw new Failure(`"${spec.name}" is not started`, {
      remedy: `Start it: remote-notebook start ${spec.name}`,
    });
  }
  const { answeringStatus } = await import('./status.ts');
  return { record, status: await answeringStatus(record, context) };
}

/** The server's page with its token: for the user's eyes alone. */
export function secretUrl(record: ServerRecord): string {
  if (!isJoined(record)) throw new Error('a server without a Jupyter has no page');
  const { jupyter: server, forwards } = record;
  return withToken(pageUrl(forwards.own.localPort, server), server.token);
}

/** Opens the server's page through a file, so that its token is in no argument list. Answers whether it could. */
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
