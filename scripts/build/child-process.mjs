// What ssh-config takes of node:child_process, and this program never has it do.
export const spawnSync = (...args) => require('node:child_process').spawnSync(...args);
