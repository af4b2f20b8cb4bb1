import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stage, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LookbookStack } from '../lib/lookbook-stack.ts';
import { loadSettings } from '../lib/settings-file.ts';
import type { Settings } from '../lib/settings.ts';

/** What differs from `config/default.json`; anything, so that wrong settings can be written too. */
export type Overrides = Record<string, Record<string, unknown>>;

/** An image in AWS's example account. */
export const IMAGE_URI = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/lookbook/model-server:1.0.0';

export const APP_FOLDER = fileURLToPath(new URL('..', import.meta.url));

const scratch = mkdtempSync(join(tmpdir(), 'lookbook-infra-'));
process.on('exit', () => {
  rmSync(scratch, { recursive: true, force: true });
});

const { context } = JSON.parse(readFileSync(join(APP_FOLDER, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

let files = 0;

/** Writes a file of its own and returns its path. */
export function scratchFile(name: string, content: string): string {
  files += 1;
  const path = join(scratch, `${String(files)}-${name}`);
  writeFileSync(path, content);
  return path;
}

/** Stands for the function's zip, which only a Rust build makes; synthesis copies it unread. */
export const PLACEHOLDER_ZIP = scratchFile('bootstrap.zip', 'placeholder for the zip');

/** Loads the settings as the app does, from a file that holds the overrides. */
export function settingsWith(overrides: Overrides): Settings {
  return loadSettings(scratchFile('settings.json', JSON.stringify(overrides)));
}

/** Overrides that need neither the function's zip nor the sources of the model server. */
export function withoutBuilds(overrides: Overrides = {}): Overrides {
  return {
    ...overrides,
    endpoint: { containerImage: { uri: IMAGE_URI }, ...overrides.endpoint },
    function: { assetPath: PLACEHOLDER_ZIP, ...overrides.function },
  };
}

/** The stack under the feature flags of `cdk.json`, with its files in a folder of its own. */
export function stackOf(overrides: Overrides = {}, name = 'Test'): LookbookStack {
  files += 1;
  const app = new App({ context, outdir: join(scratch, `${String(files)}-cdk.out`) });
  return new LookbookStack(app, name, { settings: settingsWith(withoutBuilds(overrides)) });
}

export function templateOf(overrides: Overrides = {}): Template {
  return Template.fromStack(stackOf(overrides));
}

/** Synthesizes the stack's app and returns the folder that holds what `cdk deploy` works on. */
export function assemblyFolder(stack: Stack): string {
  const app = Stage.of(stack);
  if (app === undefined) {
    throw new Error('the stack belongs to no app');
  }
  return app.synth().directory;
}

/** One statement of a synthesized policy document. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource?: unknown;
  /** In the policies of resources. */
  readonly Principal?: unknown;
  readonly Condition?: Record<string, unknown>;
}

/** A resource of a template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string[];
}

/** Every resource of the template, by its logical id. */
export function resourcesOf(template: Template): Map<string, TemplateResource> {
  const { Resources } = template.toJSON() as { Resources: Record<string, TemplateResource> };
  return new Map(Object.entries(Resources));
}

/** Every policy in the resource, wherever in its properties it stands. */
export function policyDocumentsIn(value: unknown): Statement[][] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { Statement } = value as { Statement?: Statement[] };
  return [
    ...(Array.isArray(Statement) ? [Statement] : []),
    ...Object.values(value).flatMap(policyDocumentsIn),
  ];
}

/** The statements of each IAM policy, by the policy's logical id. */
export function policyStatements(template: Template): Map<string, Statement[]> {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  return new Map(
    policies.map(([id, { Properties }]) => [
      id,
      (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement,
    ]),
  );
}

/** The statements of the policy whose logical id begins with `prefix`. */
export function statementsOf(template: Template, prefix: string): Statement[] {
  for (const [id, statements] of policyStatements(template)) {
    if (id.startsWith(prefix)) {
      return statements;
    }
  }
  throw new Error(`the template has no policy ${prefix}…`);
}

export function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** Writes an ARN or a part of one as text: `${Logical}` for references, in the way of Fn::Sub. */
export function asText(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const [[name, argument] = []] = Object.entries(value as Record<string, unknown>);
  switch (name) {
    case 'Ref':
      return `\${${String(argument)}}`;
    case 'Fn::GetAtt':
      return `\${${(argument as string[]).join('.')}}`;
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map(asText).join(separator);
    }
    default:
      return JSON.stringify(value);
  }
}

/** `Action → Resource` for every pair that a statement allows. */
export function permissions(statements: Statement[]): string[] {
  return statements.flatMap(({ Action, Resource }) =>
    asList(Action).flatMap((action) =>
      asList(Resource).map((resource) => `${action} → ${asText(resource)}`),
    ),
  );
}
