import type { KernelDeaths } from '../model/status.ts';

/** What a host knows about the kernels of a server. */
export interface KernelEvents {
  /** The local time of the host: `2026-11-29 08:46:12`. */
  readonly clock: string;
  /** The kernels that are running. */
  readonly running: readonly { readonly id: string; readonly upSeconds: number }[];
  /** Lines of Jupyter's log, in order. */
  readonly log: readonly string[];
  /** Lines of `dmesg`, each after the seconds for which the system has been running. */
  readonly kills: readonly string[];
  /** How many processes of the server's cgroup were killed since it was out of memory. */
  readonly oomKills: number;
}

interface Death {
  readonly agoSeconds: number;
  readonly id: string | undefined;
  readonly isFinal: boolean;
}

/** Jupyter notices a death within three seconds. */
const NOTICED_SECONDS = 4;

/**
 * The kernels that died by themselves, the last first. Jupyter's log is the only place that has them: KernelRestarter of
 * jupyter_client logs a death without the kernel's ID; if a page is open, the next line has it. Otherwise the kernel is
 * the one whose process started then, or the only one.
 */
export function deathsIn(events: KernelEvents, nowMs: number): KernelDeaths[] {
  const deaths = deathsInLog(events);
  const ids = [...new Set(deaths.map(({ id }) => id))];
  const grouped = ids.map((id): KernelDeaths & { agoSeconds: number } => {
    const own = deaths.filter((death) => death.id === id);
    const agoSeconds = Math.min(...own.map((death) => death.agoSeconds));
    return {
      agoSeconds,
      id: id ?? null,
      count: own.length,
      lastAt: new Date(nowMs - agoSeconds * 1000).toISOString(),
      reason: reasonOf(agoSeconds, events),
      restarted: !own.some(({ isFinal }) => isFinal),
    };
  });
  return grouped.sort((a, b) => a.agoSeconds - b.agoSeconds).map(({ agoSeconds: _, ...deaths }) => deaths);
}

const TIME = /\[\w (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d)[.,\d]* \w+\]/;

function deathsInLog({ clock, running, log }: KernelEvents): Death[] {
  const deaths: Death[] = [];
  const started = new Map<string, number>();
  for (const line of log) {
    const [, id] = /[Kk]ernel (?:started: )?([\da-f]{8}-[\da-f-]{27})/.exec(line) ?? [];
    const last = deaths.at(-1);
    if (/KernelRestarter: restarting kernel/.test(line))
      deaths.push({ agoSeconds: ago(line, clock), id: undefined, isFinal: false });
    else if (id && /Kernel started: /.test(line)) started.set(id, ago(line, clock));
    else if (last && id && !last.id && /kernel \S+ restarted$/.test(line))
      deaths.splice(-1, 1, { ...last, id });
    else if (id && / died, removing/.test(line))
      deaths.push({ agoSeconds: ago(line, clock), id, isFinal: true });
  }
  const only = started.size === 1 ? [...started.keys()][0] : undefined;
  // Jupyter logs the start of a kernel after that of its process.
  const again = running.filter(
    ({ id, upSeconds }) => upSeconds < (started.get(id) ?? Number.POSITIVE_INFINITY) - 1,
  );
  return deaths.map((death) => {
    const distance = ({ upSeconds }: { upSeconds: number }) => Math.abs(upSeconds - death.agoSeconds);
    const [nearest] = again.toSorted((a, b) => distance(a) - distance(b));
    const since = nearest && distance(nearest) < NOTICED_SECONDS ? nearest.id : undefined;
    return { ...death, id: death.id ?? since ?? only };
  });
}

/** The seconds since a line of a log; notebook 6 writes no date. Both times are the host's. */
function ago(line: string, clock: string): number {
  const [, date, time = ''] = TIME.exec(line) ?? [];
  const [, today, now] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(clock) ?? [];
  const seconds = (Date.parse(`${today}T${now}Z`) - Date.parse(`${date ?? today}T${time}Z`)) / 1000;
  return Number.isNaN(seconds) ? 0 : seconds < 0 ? seconds + 86_400 : seconds;
}

/** The reason of a death at that time, if the system's kernel or the cgroup shows one. */
function reasonOf(agoSeconds: number, { kills, oomKills }: KernelEvents): string | null {
  const line = kills.find((kill) => {
    const [, uptime, at] = /^([\d.]+) \[ *([\d.]+)\]/.exec(kill) ?? [];
    return Math.abs(Number(uptime) - Number(at) - agoSeconds) < NOTICED_SECONDS;
  });
  if (line?.includes('segfault')) return 'segmentation fault';
  if (line) return 'out of memory';
  return oomKills > 0 ? 'probably out of memory' : null;
}
