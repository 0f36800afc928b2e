/** Reads a Content-Security-Policy from standard input and prints what csp_evaluator has found in it, as JSON. */
import { readFileSync } from 'node:fs';
import { CspEvaluator } from 'csp_evaluator';
import { Severity } from 'csp_evaluator/dist/finding.js';
import { CspParser } from 'csp_evaluator/dist/parser.js';

const { csp } = new CspParser(readFileSync(0, 'utf8'));
const findings = new CspEvaluator(csp).evaluate();
console.log(JSON.stringify(findings.map(({ severity, directive, value, description }) => ({ severity: Severity[severity], directive, value, description }))));
