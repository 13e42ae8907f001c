import { lacks } from '../hosts/needs.ts';
import { describeSurprises } from './surprises.ts';

describeSurprises({ kind: 'notebook 6', command: 'jupyter notebook', app: 'NotebookApp', skip: false });
describeSurprises({
  kind: 'jupyter_server 1',
  command: 'jupyter server',
  app: 'ServerApp',
  skip: lacks('jupyter-server'),
});
