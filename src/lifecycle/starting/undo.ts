import { cleanUp } from '../../host/run-script.ts';
import { type LaunchTrace, undoLaunch } from '../../host/servers.ts';
import { putRecord, readRecords, updateRecords, withoutRecord } from '../../state/records.ts';
import { uninterrupted } from '../../system/context.ts';
import type { Task } from '../task.ts';

/**
 * Undoes this start, except for its tunnel. A server that was running before is kept, with its record.
 * @returns whether the host has confirmed the cleanup; if not, this is noted
 */
export async function undoStart(task: Task, launch: LaunchTrace): Promise<boolean> {
  const { spec, before, connection, context } = task;
  const why = await cleanUp(task, (server) => undoLaunch(server, launch));
  if (why !== undefined)
    context.report.note(
      `could not confirm the cleanup on ${connection.destination}; it should finish on its own (${why})`,
    );
  const undoContext = uninterrupted(context);
  if (before) await putRecord(before, undoContext);
  else if (readRecords(undoContext)[spec.name])
    await updateRecords(undoContext, (records) => withoutRecord(records, spec.name));
  return why === undefined;
}
