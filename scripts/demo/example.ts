import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name of the example's notebook in Jupyter's file list. */
export const EXAMPLE_NAME = 'random-walks.ipynb';

const GREETING = `# This notebook runs behind a real ssh tunnel

The page is on your machine. The Python that runs its cells is on the host: run them with **Shift+Enter**.`;

const WHERE_AM_I = `import os, platform

client, client_port, host, host_port = os.environ["SSH_CONNECTION"].split()
print(f"Python {platform.python_version()} with {os.cpu_count()} cores,")
print(f"connected by ssh from {client}:{client_port} to {host}:{host_port}")`;

const WALK = `import random
from itertools import accumulate

def random_walk(steps):
    return list(accumulate(random.gauss(0, 1) for _ in range(steps)))

walks = [random_walk(200) for _ in range(10)]`;

const PLOT = `try:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(9, 3))
    for walk in walks:
        plt.plot(walk)
    plt.title("10 random walks")
    plt.show()
except ImportError:  # draw it without matplotlib
    from IPython.display import SVG, display

    low, high = min(map(min, walks)), max(map(max, walks))
    lines = ""
    for i, walk in enumerate(walks):
        points = " ".join(f"{3.6 * x:.1f},{300 * (high - y) / (high - low):.1f}" for x, y in enumerate(walk))
        lines += f'<polyline points="{points}" fill="none" stroke="hsl({36 * i},70%,50%)"/>'
    display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="300">{lines}</svg>'))`;

/** Writes the example into a new folder: a notebook that draws a plot, even without matplotlib. */
export function writeExample(folder: string): void {
  const codeCells = [WHERE_AM_I, WALK, PLOT].map((source) => {
    return { cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null };
  });
  const cells = [{ cell_type: 'markdown', metadata: {}, source: GREETING }, ...codeCells];
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
  mkdirSync(folder);
  writeFileSync(join(folder, EXAMPLE_NAME), JSON.stringify(notebook, undefined, 1));
}
