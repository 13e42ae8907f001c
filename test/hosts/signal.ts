/** A process that has ended in the meantime is not an error; nor is one that was never found: 0 means all of our own group. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, signal);
  } catch {}
}

/** Sends a signal to a process that must be there, such as the ssh of a keeper that is connected. */
export function signalTo(identity: { readonly pid: number } | undefined, signal: NodeJS.Signals): void {
  if (!identity) throw new Error(`there is no process for ${signal}`);
  process.kill(identity.pid, signal);
}
