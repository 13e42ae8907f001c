import * as v from 'valibot';
import { UsageError } from '../system/errors.ts';
import { CONTROLS, oneLine } from '../system/one-line.ts';
import { type Api, askServer, readJson } from './api.ts';

const ANY_CONTROL = new RegExp(`[${CONTROLS}]`, 'u');

/**
 * The parts of a document's path, relative to the directory that its server serves.
 * @param document as the user wrote it: relative to that directory, or absolute below it
 * @param directory its absolute path; undefined while it is not known, when an absolute path has no parts
 * @throws UsageError for a path that leaves the directory
 */
export function documentParts(document: string, directory: string | undefined): string[] {
  if (ANY_CONTROL.test(document))
    throw new UsageError(`the document's name "${oneLine(document)}" contains control characters`);
  const isAbsolute = document.startsWith('/');
  if (isAbsolute && directory === undefined) return [];
  const folder = directory === '/' ? '/' : `${directory}/`;
  const leaves = new UsageError(`the document "${document}" is outside the directory of the server`, {
    remedy: `Name it by its path in ${directory ?? "the server's directory"}, without leading "../".`,
  });
  if (isAbsolute && !document.startsWith(folder)) throw leaves;
  const parts: string[] = [];
  for (const part of (isAbsolute ? document.slice(folder.length) : document).split('/')) {
    if (part === '..' && parts.pop() === undefined) throw leaves;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  if (parts.length > 0) return parts;
  throw new UsageError(`"${document}" is not the path of a document`, {
    remedy: "Name it by its path in the server's directory.",
  });
}

const ContentsResponse = v.object({ type: v.picklist(['notebook', 'file', 'directory']) });

/** What a document is, or undefined if Jupyter shows none with this path. */
export async function documentType(
  api: Api,
  parts: readonly string[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<DocumentType | undefined> {
  const path = `api/contents/${encoded(parts)}?content=0`;
  const { status, body } = await askServer(api, path, signal, timeoutMs);
  return status === 200 ? readJson(body, ContentsResponse)?.type : undefined;
}

type DocumentType = v.InferOutput<typeof ContentsResponse>['type'];

/**
 * The page to which the top page of a server leads, as a path below its base URL: `lab`, `tree`, or what its user has
 * set as `default_url`. Empty for a top page that leads nowhere.
 */
export async function landingPage(api: Api, signal: AbortSignal, timeoutMs: number): Promise<string> {
  const { location = '' } = await askServer(api, '', signal, timeoutMs);
  const base = new URL(api.baseUrl, 'http://jupyter');
  const url = URL.canParse(location, base.href) ? new URL(location, base) : base;
  return url.pathname.startsWith(base.pathname) ? url.pathname.slice(base.pathname.length) : '';
}

/**
 * The page of a document in the interface to which a landing page belongs, as a path below the server's base URL.
 * JupyterLab has one kind of page; Notebook 7 and notebook 6 have one for notebooks, one for other files, and one for
 * folders. Another interface that lives below a path of its own, as nbclassic does, keeps that path.
 * @param command that of the server, which decides if the landing page belongs to no interface
 */
export function documentPage(
  landing: string,
  command: string,
  type: DocumentType,
  parts: readonly string[],
): string {
  const [, before = '', kind = /\blab\b/.test(command) ? 'lab' : 'tree'] =
    /^((?:[^/]+\/)??)(lab|tree|notebooks|edit)(?:\/|$)/.exec(landing) ?? [];
  const classic = { notebook: 'notebooks', file: 'edit', directory: 'tree' }[type];
  return `${before}${kind === 'lab' ? 'lab/tree' : classic}/${encoded(parts)}`;
}

function encoded(parts: readonly string[]): string {
  return parts.map(encodeURIComponent).join('/');
}
