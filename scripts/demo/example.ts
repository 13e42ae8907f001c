import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name of the example's notebook, as Jupyter lists it. */
export const EXAMPLE_NAME = 'random-walks.ipynb';

const GREETING = `# It runs behind a real ssh tunnel

This page is on your machine. The Python that runs its cells is wherever ssh leads: run them with **Shift+Enter**.`;

const WHERE_AM_I = `import os, platform

client, client_port, host, host_port = os.environ["SSH_CONNECTION"].split()
print(f"Python {platform.python_version()} with {os.cpu_count()} cores,")
print(f"reached by ssh from {client}:{client_port} at {host}:{host_port}")`;

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
except ImportError:  # then with nothing but Python
    from plain_plot import show

    show(walks, "10 random walks")`;

const PLAIN_PLOT = `"""A plot for a Python without matplotlib."""
from IPython.display import SVG, display

WIDTH, HEIGHT = 720, 340


def show(lines, title):
    """Draws each list of numbers as a line of its own colour."""
    low, high = min(map(min, lines)), max(map(max, lines))
    steps = max(map(len, lines))

    def path(numbers):
        xs = (WIDTH * step / steps for step in range(len(numbers)))
        ys = (HEIGHT - 10 - (HEIGHT - 50) * (number - low) / (high - low) for number in numbers)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys))

    def drawn(numbers, hue):
        return f'<path d="{path(numbers)}" stroke="hsl({hue},70%,50%)" stroke-width="1.5"/>'

    paths = "".join(drawn(line, 360 * i // len(lines)) for i, line in enumerate(lines))
    frame = f'<rect width="{WIDTH}" height="{HEIGHT}" stroke="#888"/>'
    words = f'<text x="{WIDTH / 2}" y="24" text-anchor="middle" font-family="sans-serif">{title}</text>'
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{words}<g fill="none">{frame}{paths}</g></svg>'))
`;

/** Writes the example into a new folder: a notebook that draws a plot, also where there is no matplotlib. */
export function writeExample(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, EXAMPLE_NAME), notebookFile());
  writeFileSync(join(folder, 'plain_plot.py'), PLAIN_PLOT);
}

/** In Jupyter's own format (nbformat 4). */
function notebookFile(): string {
  const codeCell = (source: string) => ({
    cell_type: 'code',
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  });
  const greeting = { cell_type: 'markdown', metadata: {}, source: GREETING };
  const cells = [greeting, ...[WHERE_AM_I, WALK, PLOT].map(codeCell)];
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 }, undefined, 1);
}
