/** An expression of JSONata as the states of Step Functions have it. */
export function jsonata(expression: string): string {
  return `{% ${expression} %}`;
}

/** Text as a literal in an expression. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
