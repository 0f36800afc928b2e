/**
 * Unpacks the packed Chromium and the libraries and fonts that it carries into the directory
 * named by the first argument, and prints the path of its program. The flags that the package
 * recommends are for another place (one process, no web security) and are not used.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const target = process.argv[2];
mkdirSync(target, { recursive: true });
process.env.TMPDIR = target; // where the package unpacks to
const { inflate } = await import("@sparticuz/chromium");
const packed = new URL("node_modules/@sparticuz/chromium/bin/", import.meta.url).pathname;
const archives = ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"];
const [program] = await Promise.all(archives.map((name) => inflate(join(packed, name))));
console.log(program);
