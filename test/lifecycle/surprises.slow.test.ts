import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { describeSurprises } from './surprises.ts';

describeSurprises({
  kind: 'JupyterLab 4',
  command: '',
  app: 'ServerApp',
  skip: NO_DEBIAN_13,
  options: debian13,
});
