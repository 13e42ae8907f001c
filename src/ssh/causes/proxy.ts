import type { CauseRow } from './cause.ts';

/** What a proxy prints when it ends, if no other cause is known: its own words are the cause. */
export const PROXY_CAUSES = [
  {
    cause: 'proxy',
    step: 'reach',
    words: /^(?!.*UNKNOWN port 65535)./,
    remedy: ({ file }) =>
      `This is what the ProxyCommand of ${file} printed. Do what it asks for, then try again.`,
  },
  {
    cause: 'proxy-silent',
    step: 'reach',
    words: /UNKNOWN port 65535/,
    remedy: ({ file, command }) =>
      `The ProxyCommand of ${file} ended, and printed no reason. Run it alone to see what it does, or: ${command} -v`,
  },
] as const satisfies readonly CauseRow[];
