import { verifyNoPassword } from '../ssh/destination.ts';

/** The argument of the verbs that open a page. */
export const DOCUMENT = {
  document: {
    describe:
      "notebook, file or folder to open, by its path in the server's directory (default: the server's page)",
    type: 'string',
  },
} as const;

/**
 * Reads the first argument as a document if it is the only one and names a notebook: no server has such a name.
 * @throws UsageError for a second destination with a password, which no message may repeat
 */
export function splitDocument(
  server: string | undefined,
  document: string | undefined,
): [server: string | undefined, document: string | undefined] {
  if (document !== undefined) verifyNoPassword(document);
  return document === undefined && server?.endsWith('.ipynb') ? [undefined, server] : [server, document];
}
