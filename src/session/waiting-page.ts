/** What a user can know of a connection to a host while there is none. */
export interface Absence {
  readonly destination: string;
  readonly state: 'connecting' | 'reconnecting' | 'needs-login' | 'failed';
  /** For how long: `2 min`. */
  readonly duration: string;
  /** The number of the login in progress, or else of the next one. */
  readonly tries: number;
  /** When the next login begins, in milliseconds since 1970; undefined while one is in progress. */
  readonly nextTryAt: number | undefined;
  /** What ssh printed last. */
  readonly message: string | undefined;
}

/** The texts of the page. @param at now, in milliseconds since 1970 */
function textsOf({ destination, state, duration, tries, nextTryAt }: Absence, at: number) {
  const since = `There has been no connection to ${destination} for ${duration}.`;
  const keeps = `What runs on ${destination} keeps running. This page opens when the connection is back.`;
  const advice = 'In a terminal, run: remote-notebook status. It shows ';
  if (state === 'needs-login')
    return [
      `${destination} asks you to log in`,
      `${since} ${advice}the command with which you log in.`,
      keeps,
    ];
  if (state === 'failed')
    return [
      `Cannot connect to ${destination}`,
      `${since} Another try would not help. ${advice}what to do.`,
      keeps,
    ];
  const seconds = nextTryAt === undefined ? 0 : Math.max(0, Math.ceil((nextTryAt - at) / 1000));
  const attempt =
    seconds > 0 ? `Try ${tries} begins in ${seconds} s.` : `Try ${Math.max(1, tries)} is in progress.`;
  return [`Reconnecting to ${destination}`, `${since} ${attempt}`, keeps];
}

/** The whole HTTP response to a navigation while the connection is away. @param at now, in milliseconds since 1970 */
export function waitingResponse(absence: Absence, at: number): string {
  return response(textsOf(absence, at), absence.message);
}

/** The same for a server that has ended. @param why `the job has ended` */
export function endedResponse(destination: string, why: string): string {
  const texts = [
    `This server on ${destination} has ended`,
    `It cannot be reached any more: ${why}.`,
    'In a terminal, run: remote-notebook status. It shows how it ended. Start it again with: remote-notebook start.',
  ];
  return response(texts, undefined);
}

/** A page without any script, which reloads every two seconds. @param texts the title, and paragraphs */
function response(texts: readonly string[], last: string | undefined): string {
  const [title = '', ...paragraphs] = texts.map(escaped);
  const message = last === undefined ? '' : `<p>The last message was:</p><pre>${escaped(last)}</pre>`;
  const body = pageOf(title, paragraphs, message);
  const head = [
    'HTTP/1.1 503 Service Unavailable',
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Content-Security-Policy: default-src 'none'",
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Refresh: 2',
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function pageOf(title: string, paragraphs: readonly string[], message: string): string {
  const texts = paragraphs.map((text) => `<p>${text}</p>`).join('');
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${texts}${message}\n`;
}

function escaped(text: string): string {
  const printable = text.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, '\ufffd');
  return printable.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
