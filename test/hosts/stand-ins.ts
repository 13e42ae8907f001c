import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { World } from './world.ts';

type Tool =
  | 'apt-get'
  | 'apptainer'
  | 'conda'
  | 'docker'
  | 'uv'
  | 'pixi'
  | 'nvidia-smi'
  | 'busctl'
  | 'quota'
  | 'ssh'
  | 'systemctl';

/**
 * Puts the stand-in of a tool at a path. Its name decides how it behaves: micromamba uses that of conda. Stand-ins are for
 * tools that the tests cannot install, and do what the tool's documentation says.
 */
export function standIn(tool: Tool, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(fileURLToPath(new URL(`stand-ins/${tool}-stand-in.sh`, import.meta.url)), path);
}

/** Puts the stand-in of a tool in front of all other programs on the host. */
export function standInOnHost(world: World, tool: Tool): void {
  standIn(tool, join(world.home, 'bin', tool));
  putBinFirst(world);
}

/** Puts a program of these lines of sh in front of all others on the host. */
export function programOnHost(world: World, name: string, ...lines: readonly string[]): void {
  mkdirSync(join(world.home, 'bin'), { recursive: true });
  writeProgram(join(world.home, 'bin', name), ...lines);
  putBinFirst(world);
}

/** Writes a program of these lines of sh, and returns its path. */
export function writeProgram(path: string, ...lines: readonly string[]): string {
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return path;
}

function putBinFirst({ home }: World): void {
  writeFileSync(join(home, '.bashrc'), 'PATH="$HOME/bin:$PATH"\n');
}
