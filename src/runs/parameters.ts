import { attempt, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

/** The value of a parameter as JSON: that is what the text may be, or else it is a string, as papermill reads it. */
function jsonOf(text: string): string {
  return attempt(() => JSON.parse(text)) === undefined ? JSON.stringify(text) : text;
}

const PARAMETER = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/**
 * Parameters by their names, as a JSON object. Its numbers are those that the user wrote: this language knows no integers, and
 * would make another value of 0.0 or of a long one.
 * @param assignments each NAME=VALUE @param json the text of a file @throws UsageError
 */
export function readParameters(assignments: readonly string[], json = '{}'): string {
  const given = assignments.map((assignment) => {
    const at = assignment.indexOf('=');
    if (at < 0) throw new UsageError(`-P needs NAME=VALUE, not "${assignment}"`);
    return { name: assignment.slice(0, at), value: jsonOf(assignment.slice(at + 1)) };
  });
  const names = [...Object.keys(objectIn(json)), ...given.map(({ name }) => name)];
  const wrong = names.find((name) => !PARAMETER.test(name));
  if (wrong !== undefined) throw new UsageError(`"${wrong}" cannot be the name of a parameter`);
  // Of two members with one name, Python's json takes the last one.
  const members = [json.trim().slice(1, -1), ...given.map(({ name, value }) => `"${name}":${value}`)];
  return `{${members.filter((member) => member.trim() !== '').join(',')}}`;
}

function objectIn(json: string): object {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UsageError(`the file of --params is not JSON: ${reason(cause)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new UsageError('the file of --params must contain one JSON object, from names to values');
}
