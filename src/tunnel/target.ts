import type { JupyterRecord } from '../state/records.ts';
import { LOOPBACK } from '../system/port.ts';

/** The address or socket where a server listens, as its host sees it. */
export function serverTarget(server: Pick<JupyterRecord, 'socket' | 'host' | 'port'>): string {
  return server.socket ?? `${server.host ?? LOOPBACK}:${server.port}`;
}
