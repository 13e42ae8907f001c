import { before } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { testDozen } from './dozen.ts';

let within: readonly string[] = [];
before(async () => {
  if (!NO_DEBIAN_13) within = (await debian13()).machine.enter ?? [];
});

testDozen('a Debian 13, with Python 3.13', () => ({ python: '/usr/bin/python3', within }), NO_DEBIAN_13);
