import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { runStartScript } from '../../src/host/runs/runs.ts';
import { makeSpec } from '../../src/model/server-spec.ts';
import { readParameters } from '../../src/runs/parameters.ts';

/** The parameters of a run as Python reads them in the order for the driver. */
function inPython(assignments: readonly string[], file?: string): string {
  const order = { notebook: 'train.ipynb', parameters: readParameters(assignments, file), cell_timeout: 60 };
  const launch = {
    ...{ id: 'id', name: 'train', taken: [], notebook: 'train.ipynb', order },
    ...{ beside: [], sent: false, force: false },
  };
  const script = runStartScript(makeSpec('gpu', { destination: 'gpu' }), launch);
  const program =
    'import json, sys; order = json.load(sys.stdin); assert order["cell_timeout"] == 60; print(order["parameters"])';
  const { stdout, stderr } = spawnSync('python3', ['-c', program], {
    input: script.variables.order,
    encoding: 'utf8',
  });
  return stdout.trim() || stderr;
}

test('a parameter has the very value that the user wrote: 0.0 is no integer, and a long integer keeps its digits', () => {
  assert.equal(
    inPython([
      'fill=0.0',
      'seed=12345678901234567890',
      'name=a"b',
      'on=true',
      'none=null',
      'text="1"',
      'equal=a=b',
    ]),
    `{'fill': 0.0, 'seed': 12345678901234567890, 'name': 'a"b', 'on': True, 'none': None, 'text': '1', 'equal': 'a=b'}`,
  );
});

test('the parameters of a file are those that it contains, and one of the command line replaces its value', () => {
  const file = '\n{ "rate": 1.0, "big": 98765432109876543210, "list": [1.0, {"a": "}"}] }\n';
  assert.equal(inPython([], file), `{'rate': 1.0, 'big': 98765432109876543210, 'list': [1.0, {'a': '}'}]}`);
  assert.equal(inPython(['rate=2'], '{"rate": 1}'), `{'rate': 2}`);
  assert.equal(inPython([], '{ }'), '{}');
});

test('what is no name, and a file that is no object, are refused', () => {
  for (const wrong of ['a b=1', '1a=1', '"=1', '=1'])
    assert.throws(() => readParameters([wrong]), /cannot be the name/);
  assert.throws(() => readParameters(['a']), /needs NAME=VALUE/);
  for (const file of ['[]', 'null', '{', '{}{}', '"a"'])
    assert.throws(() => readParameters([], file), /--params/);
});
