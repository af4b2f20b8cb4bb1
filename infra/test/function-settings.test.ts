import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { templateOf } from './support.ts';

/** The function's table of environment variables: `NAME = "default":`, one a line. */
const TABLE = new URL('../../lambda/src/settings/variables.rs', import.meta.url);

function functionDefaults(): Map<string, string> {
  const rows = readFileSync(TABLE, 'utf8').matchAll(/^ {4}([A-Z_]+) = "([^"]*)":$/gm);
  return new Map([...rows].map(([, name = '', value = '']) => [name, value]));
}

describe("function's settings", () => {
  const [variables] = Object.values(templateOf().findResources('AWS::Lambda::Function')).flatMap(
    ({ Properties }) => {
      const { Environment } = Properties as {
        Environment?: { Variables: Record<string, string> };
      };
      return Environment === undefined ? [] : [Environment.Variables];
    },
  );
  assert(variables !== undefined);

  it('are the same by default whether or not the stack sets them', () => {
    const defaults = functionDefaults();
    for (const [name, value] of Object.entries(variables)) {
      assert.equal(value, defaults.get(name), name);
    }
  });
});
