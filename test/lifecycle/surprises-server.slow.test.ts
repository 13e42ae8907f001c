import { missing } from '../hosts/needs.ts';
import { describeSurprises } from './surprises.ts';

const skip = missing('jupyter-server');
describeSurprises({ kind: 'jupyter_server 1', command: 'jupyter server', app: 'ServerApp', skip });
