import { HostFailure } from '../../host/failures.ts';
import { SshFailure } from '../../ssh/messages.ts';
import type { Failure } from '../../system/errors.ts';

/** What of a server the user may have said wrongly, when a start of it fails; undefined where nothing points to it. */
export function wrongAnswer(failure: Failure): 'destination' | 'directory' | 'environment' | undefined {
  if (failure instanceof SshFailure) return 'destination';
  if (!(failure instanceof HostFailure)) return undefined;
  if (failure.reason === 'directory') return 'directory';
  return ['timeout', 'folder', 'elsewhere'].includes(failure.reason ?? '') ? undefined : 'environment';
}
