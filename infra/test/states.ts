import assert from 'node:assert/strict';
import type { Template } from 'aws-cdk-lib/assertions';
import { asText } from './support.ts';

/** A state, the parts of it that tests look at. */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Arguments?: Readonly<Record<string, unknown>>;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[];
  readonly Retry?: unknown;
  readonly ItemProcessor?: Machine & { readonly ProcessorConfig: unknown };
  readonly [member: string]: unknown;
}

/** A state machine, as it is written. */
export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/** A state machine of a template. */
export interface Deployed {
  readonly definition: Machine;
  /** What stands for the names in it. */
  readonly substitutions: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** The state machine whose logical id begins so. */
export function machineOf(template: Template, prefix: string): Deployed {
  const found = Object.entries(template.findResources('AWS::StepFunctions::StateMachine')).filter(
    ([id]) => id.startsWith(prefix),
  );
  const [[, resource] = []] = found;
  assert(resource !== undefined && found.length === 1, prefix);
  const { DefinitionString, DefinitionSubstitutions } = resource.Properties as {
    DefinitionString: unknown;
    DefinitionSubstitutions: Record<string, unknown>;
  };
  const text = asText(DefinitionString).replaceAll('${AWS::Partition}', 'aws');
  return { definition: JSON.parse(text) as Machine, substitutions: DefinitionSubstitutions, text };
}

/** What is wrong with the machine's ways: a state that is not there, or that nothing leads to. */
export function lostStates({ StartAt, States }: Machine): string[] {
  const led = new Set([StartAt]);
  for (const { Next, Default, Choices = [] } of Object.values(States)) {
    for (const next of [Next, Default, ...Choices.map((choice) => choice.Next)]) {
      if (next !== undefined) {
        led.add(next);
      }
    }
  }
  const names = new Set(Object.keys(States));
  return [...led, ...names].filter((name) => !led.has(name) || !names.has(name));
}

/** The names in the definition that something has to stand for. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name))].sort();
}

/** The state of a machine, which must be there. */
export function stateOf({ States }: Machine, name: string): State {
  const state = States[name];
  assert(state !== undefined, name);
  return state;
}
