// The program's side of bench/harness/program.ts.

/** What a program does, by the name of the command. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

/** Answers the process that started this one, until that one is gone. */
export function answer(commands: Commands): void {
  process.on("message", ({ id, command, argument }: { id: number; command: string; argument: never }) => {
    const run = async () => commands[command]?.(argument);
    run().then(
      (value) => process.send?.({ id, value }),
      (error) => process.send?.({ id, error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
