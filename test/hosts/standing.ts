/** What takes down what stands outside of this process. */
interface Removable {
  remove(): void | Promise<void>;
}

const standing = new Set<Removable>();

/** Remembers what was made until it is removed: see `removeStanding`. */
export function untilRemoved<T extends Removable>(made: T): T {
  const { remove } = made;
  standing.add(made);
  made.remove = async () => {
    await remove();
    standing.delete(made);
  };
  return made;
}

/** Removes all that still stands, the last first: for who is interrupted, and does not come to the end of its story. */
export async function removeStanding(): Promise<void> {
  for (const made of [...standing].reverse()) await made.remove();
}
