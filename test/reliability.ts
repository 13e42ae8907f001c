import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** docs/reliability.md: each row of its tables names the tests that show it, by a part of their names. */

export const RELIABILITY = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

export interface Row {
  readonly cells: readonly string[];
  readonly tests: readonly string[];
}

function row(cells: readonly string[], ...tests: readonly string[]): Row {
  return { cells, tests };
}

/** What an open page, a terminal, a download or a forwarded port keeps. */
const KEPT: readonly Row[] = [
  row(['ssh is killed, here or on the host', 'everything, after about one second'], 'loses its ssh'),
  row(
    ['ssh is killed ten times in twenty seconds', 'everything; the keeper logs in again at once each time'],
    'each is followed by a login at once, and nothing else is left of it',
  ),
  row(
    [
      'the network fails for 5, 20 or 90 s, or for five minutes',
      'everything; after a cut of up to 90 s, the next try begins within 3 s',
    ],
    'is silent for 20 s',
    'is silent for five minutes',
    'each line arrives once and in order',
  ),
  row(
    [
      'the network stays away, and the laptop gets another address',
      'everything; the page waits until the keeper has noticed the silence (15 s) and logged in again',
    ],
    'stays silent for ever',
    'shows each line once when its link stays silent for ever',
  ),
  row(['the laptop sleeps for 60 s', 'everything'], 'is away while the laptop sleeps for 60 s'),
  row(
    [
      'the host is silent for 30 to 170 s during the login, for example until you confirm it on a phone',
      'everything; there is only one login, both at the start and at a reconnect',
    ],
    's is awaited, and the server starts',
    's is awaited, once, and connections continue',
    'needs a login that takes 60 s',
  ),
  row(
    ['sshd on the host ends, and is started again', 'everything'],
    'a connection whose end on the host was killed is back, with all that was written meanwhile',
  ),
  row(
    [
      'ssh must ask you for a password, or the host withdraws your key',
      'everything, when you have logged in with `start`',
    ],
    'a key that was withdrawn is tried once; the port stays reserved, and connections continue after a login',
    'is lost until the user types a password',
    'and a link that is silent twice costs one refused login',
  ),
  row(
    ['the connection is lost 200 times while data is sent in both directions', 'everything'],
    'twenty streams each way lose nothing while their link is cut, frozen and taken over two hundred times',
  ),
  row(
    [
      'sshd forbids forwarding',
      'everything: the tunnel then uses the input and output of a command on the host',
    ],
    'where sshd forbids forwarding, a command carries the session, also after a loss',
    ', every verb works, also after ssh was killed',
  ),
  row(
    [
      'there is no relay on the host (it needs Python 3.8), and ssh is lost',
      'open connections end, as with `ssh -L`. The page connects again; lines that cells printed meanwhile may be missing',
    ],
    'without a relay connections are carried as by ssh -L, and the port is held all the same',
    '; start and status report that the tunnel does not resume',
  ),
  row(
    [
      'the relay on the host is killed',
      'open connections end, and another relay is started. The page connects again; lines that cells printed meanwhile may be missing',
    ],
    'a relay that was killed is noticed, and its connections are reset',
    'a relay that was killed is started again',
  ),
  row(
    [
      'the keeper on your laptop is killed',
      'open connections end. The page connects again after the next `start`; lines that cells printed meanwhile may be missing',
    ],
    'a killed keeper is noticed, and the next start replaces it',
  ),
  row(
    [
      'the page is closed or loaded again while a cell runs',
      'the cell keeps running; what it prints from then on is lost',
    ],
    'a cell keeps running when its page is closed: variables and captured output are kept, printed output is lost',
  ),
  row(
    ['the same, and Jupyter has jupyter-server-nbmodel', 'everything, in the notebook'],
    'shows each line when it is opened again meanwhile, and after the end, much later',
  ),
  row(
    ['Jupyter is killed, or its host restarts', 'only files: kernels end, and their variables are lost'],
    'a killed Jupyter is reported, with the end of its log',
  ),
];

/** What `status` shows after a failure, and when the server can be used again. */
const FAILURES: readonly Row[] = [
  row(
    [
      'the ssh process is killed, here or on the host',
      '`reconnecting`, for a moment',
      'automatically, after one login',
    ],
    'a killed ssh is replaced at once, on the same port',
    'a connection whose sshd process was killed is reconnected automatically',
  ),
  row(
    ['the keeper is killed', '`closed`', 'with the next `start`, on the same port'],
    'a killed keeper is noticed, and the next start replaces it',
  ),
  row(
    [
      'the network is cut, or the laptop sleeps',
      '`reconnecting (try 3, in 4 s)`, for how long there has been no connection, and the last message of ssh',
      'automatically, even if the address of the laptop changed',
    ],
    'the tunnel continues when the laptop gets another address',
    'after a sleep longer than the keep-alive, the connection continues if the host has kept it',
    'while the host is away, status shows since when, the next try, the last message and how much will be sent',
  ),
  row(
    [
      'the laptop sleeps so long that the host closes the connection',
      '`reconnecting`, for a moment',
      'automatically when it wakes up, after one login',
    ],
    'after a sleep so long that the host closed the connection, the tunnel reconnects automatically',
  ),
  row(
    ['sshd is not running', '`reconnecting`, `Connection refused`', 'automatically'],
    'when sshd is running again, the tunnel reconnects automatically',
  ),
  row(
    [
      'the host refuses connections for a minute',
      '`reconnecting`, and the last message of ssh',
      'automatically, after at most seven tries in that minute',
    ],
    'an sshd that is down for a minute is asked at most seven times, and connections continue',
    'a host that closes each connection for a minute is asked at most seven times',
  ),
  row(
    [
      'the host accepts each login, and ends the connection at once',
      '`reconnecting (try 1, in 30 s)`',
      'automatically; after twenty such logins in a row, the keeper waits 30 s before each further login',
    ],
    'a host that drops the connection after each login is tried only every 30 s in the end',
  ),
  row(
    [
      'another program has the local port of a forward',
      '`degraded`, and the port that is in use',
      'automatically when the port is free',
    ],
    'a port that is in use affects no other forward, and is ours as soon as it is free',
  ),
  row(
    [
      'another program tries to take the local port while there is no connection',
      'unchanged',
      'the other program fails: the keeper holds the port',
    ],
    'while the host is away nobody else can take the local port',
  ),
  row(
    [
      'the host no longer accepts your key',
      '`needs-login`, after exactly one try',
      'when you run `start` or `forward` and log in',
    ],
    'a key that was withdrawn is tried once; the local port stays ours until the user logs in',
  ),
  row(
    [
      'the host key changes',
      '`failed`, after exactly one try, with both fingerprints',
      'after you have found out why',
    ],
    'a host key that changed in the meantime is refused, and not tried again',
    'a host that shows another key than before is shown with both, and no verb promises to reconnect',
  ),
  row(
    [
      'the destination leads to another machine, with another home folder',
      '`degraded`, and a message that it is another machine',
      '`start` starts a new server there. `stop --forget` only removes the record of the old server',
    ],
    'start on another machine than before starts a server there, once',
    'stop --forget removes the record of a server whose host is gone, and nothing else',
  ),
  row(
    ['Jupyter is killed', '`degraded`, and the end of its log', 'with the next `start`'],
    'a killed Jupyter is reported, with the end of its log',
  ),
  row(
    ['Jupyter hangs', 'the server is `unknown`, never `stopped`', 'when it responds'],
    'a Jupyter that hangs is not reported as ended',
  ),
  row(
    [
      'the local ssh process is stopped, or hangs',
      'the server is `unknown`, with the process ID of ssh and what to do; after 15 s `reconnecting`',
      'automatically: the keeper starts another ssh. Or when that process continues, or is killed',
    ],
    'logs, open, status and doctor report that ssh hangs and what to do',
    'an ssh that hangs and is killed is replaced, and the server can be stopped',
  ),
  row(
    [
      'the host, its banner or a ProxyCommand prints endless output',
      'unchanged',
      'the command that reads it fails and reports it; neither memory nor disk fills up',
    ],
    'forever is reported, and its output is not read to the end',
    'endless error output of a host uses little memory here',
  ),
  row(
    [
      'the control socket is deleted',
      '`connected`: the tunnel and its ports still work',
      'the next `start` or `stop` replaces the connection',
    ],
    'after its control socket is deleted, only the connection is replaced',
  ),
  row(
    [
      'the state folder or file is deleted or corrupt',
      'a corrupt file is moved aside',
      '`status --repair` finds what is running, and `start` connects to it',
    ],
    'after the state folder is deleted, the next start connects to the running server',
    'a corrupt state file is moved away, and the next start finds the running server',
    'servers whose records were lost are found again, each with its tunnel, ports and token',
  ),
  row(
    [
      'the disk of the state folder is full',
      'unchanged. Verbs that must write there fail and say why',
      'the tunnel reconnects even then; the verbs work again as soon as there is space',
    ],
    'a full disk affects no running server, and stop works again when there is space',
    'a connection that is lost while the disk is full comes back on its port, with the same keeper',
  ),
  row(
    [
      'the disk of the state folder is read-only',
      'unchanged; after a lost connection `reconnecting`',
      'automatically when it is writable again',
    ],
    'every verb that writes reports a read-only disk, and status keeps working',
    'a connection that is lost while the disk is read-only comes back when the disk is writable again',
  ),
];

const TABLES: Readonly<Record<string, readonly [heads: readonly string[], rows: readonly Row[]]>> = {
  kept: [['what happens', 'what is kept of open pages, terminals, downloads and forwarded ports'], KEPT],
  failures: [['what breaks', 'what `status` shows', 'when it works again'], FAILURES],
};

export const ROWS: readonly Row[] = [...KEPT, ...FAILURES];

/** The page's text with the tables as they are here: each is between two comments with its name. */
export function reliability(): string {
  return Object.entries(TABLES).reduce(
    (text, [name, [heads, rows]]) => {
      const lines = [heads, heads.map(() => '---'), ...rows.map(({ cells }) => cells)];
      const table = lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
      const place = new RegExp(`(<!-- ${name}: [^\\n]*-->\n).*?(<!-- end of ${name} -->)`, 's');
      return text.replace(place, (_, before: string, after: string) => `${before}\n${table}\n${after}`);
    },
    readFileSync(RELIABILITY, 'utf8'),
  );
}
