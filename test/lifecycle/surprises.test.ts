import { describeSurprises } from './surprises.ts';

describeSurprises({ kind: 'notebook 6', command: 'jupyter notebook', app: 'NotebookApp', skip: false });
