import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, secretsInSetup, shownSetup } from '../../src/report/redact.ts';

/** Texts with secrets, which all contain `hunter2` or are named, and what is left of them. */
const SEEDED: readonly (readonly [what: string, text: string, left: string])[] = [
  ['a token in an address', 'GET /lab?token=hunter2&reset HTTP', 'GET /lab?token=…&reset HTTP'],
  ['a password in an address', 'proxy http://me:hunter2/@x@proxy:3128 ok', 'proxy http://me:…@proxy:3128 ok'],
  ['a cookie', 'Set-Cookie: _xsrf=hunter2; Path=/', 'Set-Cookie: …'],
  ['an HTTP header', "curl -H 'Authorization: Bearer hunter2hunter2' x", "curl -H 'Authorization: …"],
  ['a bearer token', 'sent Bearer hunter2hunter2', 'sent Bearer …'],
  ['a setting of Jupyter', "c.ServerApp.password = 'hunter2'", 'c.ServerApp.password = …'],
  [
    'a setting without its second quote',
    "c.IdentityProvider.token = 'hunter2 hunter2",
    'c.IdentityProvider.token = …',
  ],
  ['a setting in JSON', '{"cookie_secret": "hunter2", "port": 1}', '{"cookie_secret": …, "port": 1}'],
  ['a setting in YAML', 'password: my hunter2', 'password: …'],
  [
    'an option',
    'jupyter lab --IdentityProvider.token hunter2 --port 1',
    'jupyter lab --IdentityProvider.token … --port 1',
  ],
  ['an option with =', 'x --api-key="hunter2 hunter2" y', 'x --api-key=… y'],
  ['the password of a proxy', 'ncat --proxy-auth me:hunter2 host', 'ncat --proxy-auth … host'],
  ['a ProxyCommand', '  ProxyCommand sshpass -p hunter2 nc %h %p\nnext', '  ProxyCommand …\nnext'],
  [
    'a ProxyCommand in the output of ssh -v',
    'debug1: Executing proxy command: exec sshpass -p hunter2 nc gpu 22\nnext',
    'debug1: Executing proxy command: …\nnext',
  ],
  ['sshpass', 'run: sshpass -p hunter2 ssh gpu', 'run: sshpass -p … ssh gpu'],
  ['a variable of the environment', 'export HF_TOKEN=hunter2', 'export HF_TOKEN=…'],
  ['a variable with another name', "WANDB='hunter2 x' python", 'WANDB=… python'],
  ['a variable in small letters', 'export key="hunter2"', 'export key=…'],
  ['a variable in fish and tcsh', 'set -gx KEY hunter2\nsetenv key hunter2', 'set -gx KEY …\nsetenv key …'],
  [
    'a variable that ssh sends',
    'debug1: channel 0: setting env FOO = "hunter2"',
    'debug1: channel 0: setting env FOO = …',
  ],
  ['a variable that doctor names', '$BROWSER is hunter2 --x', '$BROWSER is …'],
  [
    'a private key',
    'a\n-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\nhunter2\n-----END OPENSSH PRIVATE KEY-----\nb',
    'a\n-----BEGIN OPENSSH PRIVATE KEY-----…-----END OPENSSH PRIVATE KEY-----\nb',
  ],
  ['a private key that is cut off', '-----BEGIN PRIVATE KEY----- / hunter2', '-----BEGIN PRIVATE KEY-----…'],
  ['a token of Hugging Face', `x hf_${'abcDEF123'.repeat(4)} y`, 'x … y'],
  ['a token of GitHub', `x ghp_${'a1'.repeat(18)} y`, 'x … y'],
  ['a key of AWS', 'x AKIAIOSFODNN7EXAMPLE y', 'x … y'],
  ['a JSON web token', 'x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc-_1 y', 'x … y'],
  ["the hash of Jupyter's password", 'x argon2:$argon2id$v=19$m=10240,t=10,p=8$abc$def y', 'x … y'],
  ['a random token', `x ${'0123456789abcdef'.repeat(3)} y`, 'x … y'],
  ['a random key', 'x aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7n y', 'x … y'],
];

for (const [what, text, left] of SEEDED) {
  test(`a report hides ${what}`, () => {
    assert.equal(redact(text), left);
    assert.equal(redact(redact(text)), redact(text));
  });
}

const KEPT = [
  'me@gpu: Permission denied (publickey,password).',
  'known: ssh-ed25519 SHA256:S5XwjyHbyybyQRre7M3IPdQunGEYvUcK9fOC9ZJCtmo',
  '/home/me/a/very/long/folder/with/Many/Parts/2026/and/more/of/them/notebook.ipynb',
  'Kernel started: 3f2b8a5e-1c2d-4e5f-8a9b-0c1d2e3f4a5b, name: python3',
  'the server on port 8889 does not accept the token (HTTP 403)',
  'OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026',
  'the connection goes through the ProxyCommand',
  '127.0.0.1:8889:127.0.0.1:8889',
  'http://127.0.0.1:8889/lab',
];

for (const text of KEPT)
  test(`text that is not a secret is kept: ${text}`, () => assert.equal(redact(text), text));

test('a secret that this machine knows is hidden, whatever it looks like', () => {
  assert.equal(redact('pass my dog, my dogs', ['my dog', 'my dogs', '']), 'pass …, …');
});

const SETUP: readonly (readonly [line: string, shown: string, secrets: readonly string[]])[] = [
  ['module load cuda/12.1', 'module load cuda/12.1', []],
  ['source ~/venv/bin/activate', 'source ~/venv/bin/activate', []],
  ['export HF_TOKEN=hunter2', 'export HF_TOKEN=…', ['hunter2']],
  [`A='hunter2 x' b=hunter2 tool`, 'A=… b=…', ['hunter2 x', 'hunter2']],
  ['login hunter2', 'login …', []],
  ['module load x; login hunter2', 'module …', []],
];

for (const [line, shown, secrets] of SETUP) {
  test(`of the setup command "${line}" a report shows "${shown}"`, () => {
    assert.equal(shownSetup(line), shown);
    for (const secret of secrets) assert.ok(secretsInSetup(line).includes(secret));
    assert.equal(redact(`failed: ${line}`, secretsInSetup(line)).includes('hunter2'), false);
  });
}
