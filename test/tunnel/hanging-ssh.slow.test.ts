import { test } from 'node:test';
import { hangingSshPerTest } from '../hosts/hanging-ssh.ts';
import { freePort } from '../hosts/sshd.ts';

const { fails, allIsAsBefore } = await hangingSshPerTest();

const VERBS: readonly (readonly string[])[] = [
  ['stop'],
  ['restart', '--yes'],
  ['start', 'loopback', '{F}', '--no-browser'],
  ['forward', 'loopback', String(await freePort())],
];

for (const words of VERBS) {
  test(`${words[0]} reports that ssh hangs and what to do, and changes nothing`, async () => {
    await fails(...words);
    await allIsAsBefore();
  });
}
