// Turns a component into what Node.js runs: `node transpile.js COMPONENT FOLDER`. It is what `jco transpile` does, of jco 1.35,
// without the rest of jco.

import { readFile } from 'node:fs/promises';
import { transpileBytes, writeFiles } from '@bytecodealliance/jco-transpile';

const [component, folder] = process.argv.slice(2);
const options = { name: 'component', instantiation: 'async', noComponentErrorWrapping: true, outDir: folder };
const { files } = await transpileBytes(await readFile(component), options);
await writeFiles(files);
