/** What flags or config.yaml say of a server; the rest has defaults. */
export interface ServerSettings {
  readonly destination?: string | undefined;
  readonly 'ssh-config'?: string | undefined;
  readonly directory?: string | undefined;
  readonly setup?: readonly string[] | undefined;
  readonly environment?: string | undefined;
  readonly command?: string | undefined;
  readonly port?: number | undefined;
  readonly 'local-port'?: number | undefined;
  readonly socket?: boolean | undefined;
  readonly 'strict-port'?: boolean | undefined;
  readonly 'idle-timeout'?: string | undefined;
}

/** What the options or a caller of the library say of it, in the names that JavaScript has for it. */
export interface GivenSettings {
  readonly directory?: string | undefined;
  readonly environment?: string | undefined;
  /** Lines of shell that run on the host before the environment is entered. */
  readonly setup?: readonly string[] | undefined;
  readonly command?: string | undefined;
  readonly port?: number | undefined;
  readonly localPort?: number | undefined;
  readonly socket?: boolean | undefined;
  readonly strictPort?: boolean | undefined;
  /** `90m`, `8h`, `2d`: unused for so long, the server ends by itself. */
  readonly idleTimeout?: string | undefined;
}

/** The same in the words of config.yaml. */
export function settingsFrom(args: GivenSettings): ServerSettings {
  return {
    directory: args.directory,
    setup: args.setup,
    environment: args.environment,
    command: args.command,
    port: args.port,
    'local-port': args.localPort,
    socket: args.socket,
    'strict-port': args.strictPort,
    'idle-timeout': args.idleTimeout,
  };
}
