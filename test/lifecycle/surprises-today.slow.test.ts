import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { describeSurprises } from './surprises.ts';

for (const [kind, command] of [
  ['JupyterLab of today', 'jupyter lab'],
  ['Notebook of today', 'jupyter notebook'],
] as const) {
  describeSurprises({ kind, command, app: 'ServerApp', skip: NO_JUPYTER_OF_TODAY, options: withToday });
}
