/** The demo's notebook, in Jupyter's own format (nbformat 4). */
export const EXAMPLE_NAME = 'random-walks.ipynb';

const GREETING = `# It runs behind a real ssh tunnel

The page is on your machine; the Python that runs these cells is wherever \`ssh\` leads. Run each cell with
**Shift+Enter**.`;

const WHERE_AM_I = `import os, platform

client, client_port, host, host_port = os.environ["SSH_CONNECTION"].split()
print(f"Python {platform.python_version()} on {platform.node()}, {os.cpu_count()} cores")
print(f"reached by ssh from {client}:{client_port} to {host}:{host_port}")`;

const WALK = `import random
from itertools import accumulate

random.seed(7)
walks = [list(accumulate(random.gauss(0, 1) for _ in range(400))) for _ in range(80)]
print(f"{len(walks)} random walks; the luckiest ended at {max(walk[-1] for walk in walks):+.1f}")`;

/** matplotlib where it is installed; the SVG needs nothing but Python. */
const PLOT = `try:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(9, 4))
    for walk in walks:
        plt.plot(walk, linewidth=0.8, alpha=0.6)
    plt.title("80 random walks")
    plt.show()
except ImportError:
    from IPython.display import SVG, display

    def line(walk, hue):
        points = " ".join(f"{40 + 1.7 * x},{160 - 2.3 * y:.1f}" for x, y in enumerate(walk))
        return f'<polyline points="{points}" fill="none" stroke="hsl({hue},70%,50%)" stroke-opacity="0.6"/>'

    lines = "".join(line(walk, 360 * i // len(walks)) for i, walk in enumerate(walks))
    axes = '<path d="M40 10V310H720M40 160H720" fill="none" stroke="#888"/>'
    title = '<text x="380" y="24" text-anchor="middle" font-family="sans-serif">80 random walks</text>'
    display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="730" height="320">{axes}{lines}{title}</svg>'))`;

export function exampleNotebook(): string {
  const cells = [
    { cell_type: 'markdown', metadata: {}, source: GREETING },
    ...[WHERE_AM_I, WALK, PLOT].map((source) => ({
      cell_type: 'code',
      metadata: {},
      source,
      outputs: [],
      execution_count: null,
    })),
  ];
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 }, undefined, 1);
}
