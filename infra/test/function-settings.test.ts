import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DEFAULT_METRICS_NAMESPACE } from '../lib/product-metrics.ts';
import { loadSettings } from '../lib/settings-file.ts';
import { SHORTEST_TURN_SECONDS } from '../lib/settings.ts';
import { DEFAULT_MAX_TOKENS, DEFAULT_WORDS, LANGUAGES } from '../lib/settings/function-values.ts';
import {
  FREE_VARIABLES,
  MANAGED_VARIABLES,
  OUTPUT_BUCKET,
} from '../lib/settings/function-variables.ts';
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
      // What the stack alone can have: an endpoint of its own name, a bucket for calls.
      if (name !== 'ENDPOINT_NAME' && name !== 'IDEMPOTENCY_LOCATION') {
        assert.equal(value, defaults.get(name), name);
      }
    }
  });

  it('know every variable of the function, and take what it takes', () => {
    const known = [...MANAGED_VARIABLES.keys(), ...FREE_VARIABLES.keys(), OUTPUT_BUCKET];
    assert.deepEqual(known.sort(), [...functionDefaults().keys()].sort());
    const table = readFileSync(TABLE, 'utf8');
    for (const [name, { allowed, holds }] of FREE_VARIABLES) {
      const value = functionDefaults().get(name) ?? '';
      assert(value === '' || holds(value), `the default of ${name}`);
      const meaning = new RegExp(`^ {4}${name} = .*\\n(.*)$`, 'm').exec(table)?.[1] ?? '';
      // Bounds and words are those that the function's help has.
      const [, numbers = ''] = /number (from .*)/.exec(allowed) ?? [];
      for (const [number] of numbers.matchAll(/\d+/g)) {
        assert.match(meaning, new RegExp(`\\b${number}\\b`), `${name}: ${allowed}`);
      }
      const [, words = ''] = /^one of (.*)/.exec(allowed) ?? [];
      for (const word of words === '' ? [] : words.split(', ')) {
        assert(meaning.includes(`\`${word}\``), `${name}: ${word}`);
      }
    }
  });

  it('compare length and room with the defaults of the function', () => {
    assert.equal(functionDefaults().get('DESCRIPTION_WORDS'), DEFAULT_WORDS);
    assert.equal(functionDefaults().get('MAX_TOKENS'), DEFAULT_MAX_TOKENS);
  });

  it('have the languages that the function writes', () => {
    const file = new URL('../../lambda/src/domain/language.rs', import.meta.url);
    const rows = readFileSync(file, 'utf8').matchAll(/^ {4}"([\w-]+)" = ".*" in \w+,$/gm);
    assert.deepEqual(
      [...rows].map(([, code]) => code),
      LANGUAGES,
    );
  });

  it('name the namespace of its metrics where the stack looks for them', () => {
    assert.equal(functionDefaults().get('METRICS_NAMESPACE'), DEFAULT_METRICS_NAMESPACE);
  });

  it('bound a batch by the turn that the function gives a product', () => {
    assert.equal(
      constant('../../lambda/src/domain/deadline.rs', /SHORTEST_TURN: .*from_secs\((\d+)\)/),
      SHORTEST_TURN_SECONDS,
    );
  });

  it("fill no endpoint's queue by default, however many questions the calls have", () => {
    const limits = '../../model-server/src/core/limits.rs';
    const questions = constant(limits, / max_prompts: (\d+),/);
    const waiting = constant(limits, / max_waiting_questions: (\d+),/);
    assert.equal(loadSettings().endpoint.productsPerInstance, Math.floor(waiting / questions));
  });
});

/** The number that a line of a source file states. */
function constant(file: string, line: RegExp): number {
  const [, number] = line.exec(readFileSync(new URL(file, import.meta.url), 'utf8')) ?? [];
  return Number(number);
}
