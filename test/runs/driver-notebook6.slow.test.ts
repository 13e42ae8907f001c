import { NO_PROC } from '../hosts/needs.ts';
import { testDozen } from './dozen.ts';

testDozen(
  'a host with the Jupyter of its system, notebook 6',
  () => ({ python: '/usr/bin/python3' }),
  NO_PROC,
);
