/** The seconds of an `etime`, as ps tells it: [[days-]hours:]minutes:seconds. */
export function secondsOf(etime: string): number {
  const [days, clock] = etime.includes('-') ? etime.split('-') : ['0', etime];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
}
