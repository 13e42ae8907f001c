import './run-verb.ts';
