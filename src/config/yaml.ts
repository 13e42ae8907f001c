import type { Document, LineCounter, Node } from 'yaml';
import { isReservedName } from '../model/server-spec.ts';
import { UsageError } from '../system/errors.ts';

/** A parsed YAML file. */
export interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** @throws UsageError for text that is not valid, with its line */
export async function parseYaml(text: string, file: string): Promise<Source> {
  const { default: yaml } = await import('yaml');
  const lines = new yaml.LineCounter();
  // The library would compare each key with each other key, which takes minutes for a large file.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const;
  const document = withinLimits(file, () => yaml.parseDocument(text, options));
  const [error] = document.errors;
  if (error?.code === 'RESOURCE_EXHAUSTION') throw mistake(TOO_DEEP, file);
  if (error) throw mistake(error.message, file, lines.linePos(error.pos[0]).line);
  const source = { file, document, lines };
  const anchors = new Set<string>();
  const visitNode = (_: unknown, node: Node) => {
    if (yaml.isMap(node)) verifyKeys(node.items.map(({ key }) => key).filter(yaml.isScalar), source);
    if (yaml.isAlias(node)) {
      const { source: name } = node;
      if (!anchors.has(name)) throw mistakeAt(node, `*${name} needs an anchor &${name} above it`, source);
    } else if (node.anchor !== undefined) anchors.add(node.anchor);
  };
  withinLimits(file, () => yaml.visit(document, { Node: visitNode }));
  return source;
}

/** @throws UsageError for a key that appears twice, or that an object cannot have */
function verifyKeys(keys: readonly (Node & { readonly value: unknown })[], source: Source): void {
  const seen = new Set<string>();
  for (const key of keys) {
    const name = String(key.value);
    if (seen.has(name)) throw mistakeAt(key, 'Map keys must be unique', source);
    if (isReservedName(name)) throw mistakeAt(key, `"${name}" is a reserved name`, source);
    seen.add(name);
  }
}

/** The value of the document, in which each alias is replaced by what it stands for. */
export function plainValue({ file, document }: Source): unknown {
  return withinLimits(file, () => document.toJS());
}

const TOO_DEEP = 'it is nested too deeply';

/** @throws UsageError for what the library gives up on */
function withinLimits<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RangeError) throw mistake(TOO_DEEP, file);
    if (cause instanceof ReferenceError) throw mistake('its aliases stand for too many values', file);
    throw cause;
  }
}

function mistakeAt({ range }: Node, message: string, { file, lines }: Source): UsageError {
  return mistake(message, file, lines.linePos(range?.[0] ?? 0).line);
}

function mistake(message: string, file: string, line?: number): UsageError {
  return new UsageError(`${file}${line === undefined ? '' : `:${line}`}: ${message}`, {
    remedy: `Fix ${line === undefined ? 'it' : 'the line'}, then check the file: remote-notebook config check`,
  });
}

type Mapping = {
  readonly items?: readonly { readonly key?: { readonly value?: unknown; range?: Node['range'] } }[];
};

/** The line of the key, or of the nearest existing key above it. */
export function lineOf(path: readonly string[], { document, lines }: Source): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) as Mapping | undefined;
    const start = parent?.items?.find(({ key }) => key?.value === path[length - 1])?.key?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}
