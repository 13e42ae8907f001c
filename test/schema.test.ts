import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { VERBS } from '../src/commands/verbs.ts';
import { notebookOf } from './hosts/driver.ts';
import { worldPerFile } from './hosts/lasting.ts';
import { ROOT } from './hosts/package.ts';
import { json, untilEnded, writeNotebook } from './hosts/runs.ts';
import { ports } from './hosts/sshd.ts';

/** The JSON schema of what each verb prints with --json, which is part of the package. */

type Schema = { [key: string]: unknown };
const schema: { $defs: Record<string, Schema> } = JSON.parse(
  readFileSync(join(ROOT, 'dist/schema.json'), 'utf8'),
);
const world = await worldPerFile();
const { laptop, home } = world;

/** Those to which the documents of some verbs add fields. */
const EXTENDED = ['serverStatus', 'runStatus'];

/** The same schema, which also refuses fields that it does not name. */
function strict(value: unknown, isExtended = false): unknown {
  if (Array.isArray(value)) return value.map((each) => strict(each));
  if (typeof value !== 'object' || value === null) return value;
  const { allOf, ...rest } = value as Schema;
  const parts = Object.fromEntries(
    Object.entries(rest).map(([key, part]) => [
      key,
      key === '$defs' ? strictDefinitions(part as Schema) : strict(part),
    ]),
  );
  const isClosed = 'properties' in rest && allOf === undefined && !isExtended;
  const isReference = EXTENDED.some((name) => rest.$ref === `#/$defs/${name}`);
  return {
    ...parts,
    ...(allOf === undefined ? {} : { allOf }),
    ...(isClosed ? { additionalProperties: false } : {}),
    ...(isReference || allOf !== undefined ? { unevaluatedProperties: false } : {}),
  };
}

function strictDefinitions(definitions: Schema): Schema {
  const entries = Object.entries(definitions);
  return Object.fromEntries(entries.map(([name, each]) => [name, strict(each, EXTENDED.includes(name))]));
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(strict(schema) as Schema, 'all');

/** What is wrong with the document of a verb. */
function faults(verb: string, document: unknown): unknown {
  const validate = ajv.getSchema(`all#/$defs/${verb}`);
  assert.ok(validate, `there is a schema of ${verb}`);
  return validate(document) ? [] : validate.errors;
}

/** Runs a verb, and verifies what it prints. */
async function valid(verb: string, ...words: string[]): Promise<Schema> {
  const document = await json<Schema>(laptop, verb, ...words);
  assert.deepEqual(faults(verb, document), [], `${verb} ${words.join(' ')}`);
  return document;
}

test('every verb but logs, which prints lines, has a schema', () => {
  const verbs = Object.keys(VERBS).filter((verb) => verb !== 'logs');
  assert.deepEqual(
    verbs.filter((verb) => !Object.hasOwn(schema.$defs, verb)),
    [],
  );
});

test('the documents of all verbs about servers are valid, and have no field that the schema does not name', async () => {
  mkdirSync(join(home, 'work'));
  const started = await valid('start', 'loopback', '{F}', '-d', 'work', '--no-browser', ...(await ports()));
  await valid('start', 'loopback', '{F}', '-d', 'work', '--no-browser', '--save', 'loopback');
  await valid('restart', '--yes', '--no-browser');
  await valid('open');
  await valid('open', '--print');
  await valid('forward');
  await valid('status');
  await valid('status', '--resources');
  await valid('status', 'loopback', '--all');
  await valid('status', '--all');
  await valid('doctor', 'loopback');
  await valid('report', 'loopback');
  await valid('config');
  await valid('config', 'path');
  await valid('config', 'check');
  await valid('stop', '--keep-server');
  await valid('status');
  await valid('stop', '--all', '--yes');
  await valid('stop', 'loopback');
  await valid('clean', '--dry-run');
  await valid('hosts', '{F}');
  await valid('aliases', 'loopback');
  await valid('completion', 'bash');
  await valid('init', 'loopback', '{F}', '--yes', '--name', 'other', '--no-browser', ...(await ports()));
  await valid('stop', 'other');
  const { name: _, ...nameless } = started;
  assert.notDeepEqual(faults('start', nameless), []);
  assert.notDeepEqual(faults('start', { ...started, unheard: 1 }), []);
});

test('the documents of all verbs about runs are valid, too', async () => {
  const path = writeNotebook(laptop, 'short.ipynb', notebookOf('1 / 0'));
  await valid('run', path, 'loopback', '{F}');
  await untilEnded(world, 'short-1');
  await valid('runs', 'loopback', '{F}');
  await valid('status', 'short-1');
  await valid('console', 'short-1');
  await valid('fetch', 'short-1');
  await valid('stop', 'short-1');
  await valid('run', path, 'loopback', '{F}', '--wait');
});
