import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { attempt, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

/**
 * Reads a notebook of this machine, byte for byte. What the driver on the host would refuse is refused here, before anything is
 * sent: see read_notebook in host/driver.py.
 * @param path an absolute path @throws UsageError
 */
export function readNotebook(path: string): Buffer {
  if (attempt(() => statSync(path))?.isDirectory())
    throw new UsageError(`${path} is a folder, not a notebook`, {
      remedy: 'Name a notebook in it. To send a folder with a notebook: --with',
    });
  const bytes = readBytes(path);
  const mistake = mistakeIn(bytes);
  if (mistake === undefined) return bytes;
  const [what, remedy] = path.endsWith('.py') ? programMistake(basename(path)) : mistake;
  throw new UsageError(`${path} ${what}`, { remedy });
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${reason(cause)}`, {
      remedy: 'A notebook on the host is written HOST:PATH.',
    });
  }
}

type Mistake = readonly [what: string, remedy: string];

function programMistake(name: string): Mistake {
  return [
    'is a Python program, not a notebook',
    `To execute it, make a notebook with the cell "%run ${name}" beside it, and add --with ${name}.`,
  ];
}

const LOOK = 'Open it in Jupyter or another editor for notebooks, which shows whether it is damaged.';

/** Why a file is not a notebook; undefined if it is one, or only Python can read it. */
function mistakeIn(bytes: Buffer): Mistake | undefined {
  if (!isUtf8(bytes)) return ['is not a notebook: it is not text in UTF-8', LOOK];
  // The length of a string is limited: to about 512 MB.
  const text = attempt(() =>
    bytes
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trim(),
  );
  if (text === undefined) return undefined;
  if (text === '') return ['is empty', 'Open it in Jupyter or another editor for notebooks, and save it.'];
  const notebook = attempt((): unknown => JSON.parse(text));
  if (notebook === undefined) return mistakeInJson(text);
  const { nbformat, cells } = (notebook ?? {}) as { nbformat?: unknown; cells?: unknown };
  if (typeof nbformat !== 'number')
    return ['is not a notebook: it does not contain the number of its format, nbformat', LOOK];
  // The host converts an old format, if it has the package nbformat.
  if (nbformat < 4) return undefined;
  const areCells = Array.isArray(cells) && cells.every((cell) => typeof cell === 'object' && cell !== null);
  return areCells ? undefined : ['is not a notebook: it has no list of cells', LOOK];
}

function mistakeInJson(text: string): Mistake | undefined {
  if (/^<{7} /m.test(text) && /^>{7} /m.test(text))
    return [
      'contains a conflict of git, between lines of < and >',
      'Resolve it first, for example with nbdime.',
    ];
  // Python writes and reads these numbers, too.
  const mayBeOfPython = text.startsWith('{') && /\b(?:NaN|Infinity)\b/.test(text);
  return mayBeOfPython ? undefined : ['is not a notebook: it is not JSON, or not all of it', LOOK];
}
