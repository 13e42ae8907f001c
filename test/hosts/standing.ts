/** What takes down what stands outside of this process. */
interface Removable {
  remove(): void | Promise<void>;
}

const standing = new Set<Removable>();

/** Remembers what is made until it is removed: from its first folder on, since an interrupt may come at any time. */
export function untilRemoved<T extends Removable>(made: T): T {
  const { remove } = made;
  standing.add(made);
  made.remove = async () => {
    await remove();
    standing.delete(made);
  };
  return made;
}

/**
 * Removes all that still stands, the last first, and what is begun meanwhile: for who is interrupted, and does not come
 * to the end of its story.
 */
export async function removeStanding(): Promise<void> {
  for (let last = lastStanding(); last; last = lastStanding()) await last.remove();
}

function lastStanding(): Removable | undefined {
  return [...standing].at(-1);
}
