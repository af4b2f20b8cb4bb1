import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { loadSettings } from '../lib/settings-file.ts';

const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** A property that stands once in the template, at any depth. */
function property(template: string, name: string): string {
  const found = [...template.matchAll(new RegExp(`^ +${name}: (.+)$`, 'gm'))];
  assert.equal(found.length, 1, name);
  return found[0]?.[1] ?? '';
}

/** `make test-infra` runs cfn-lint on it, `make lint-sam` SAM's own `sam validate --lint`. */
describe("SAM's template", () => {
  const template = file('template.yaml');
  const settings = loadSettings();

  it('has the function as it is deployed', () => {
    assert.equal(property(template, 'Runtime'), 'provided.al2023');
    assert.equal(property(template, 'Handler'), 'bootstrap');
    assert.equal(property(template, 'Architectures'), `[${settings.function.architecture}]`);
    assert.equal(property(template, 'MemorySize'), String(settings.function.memoryMib));
    assert.equal(property(template, 'Timeout'), String(settings.function.timeoutSeconds));
  });

  it('runs the zip that is built and deployed', () => {
    const zip = property(template, 'CodeUri');
    assert.equal(`../${zip}`, settings.function.assetPath);
    assert(file('Makefile').includes(zip));
  });

  it('sets variables that the function has, or that are of AWS', () => {
    const known = file('lambda/src/settings/variables.rs');
    const variables = [...template.matchAll(/^ {10}([A-Z_0-9]+): /gm)].map(([, name = '']) => name);
    assert(variables.length > 5);
    for (const name of variables) {
      assert(name.startsWith('AWS_') || known.includes(`    ${name} = "`), name);
    }
  });

  it('is invoked by the name and with the events that the documents say', () => {
    const documents = ['docs/deploy.md', 'events/README.md'].map(file);
    for (const text of documents) {
      const [, name = '', event = ''] = /sam local invoke (\w+) -e (\S+)/.exec(text) ?? [];
      assert.match(template, new RegExp(`^  ${name}:\\n    Type: AWS::Serverless::Function$`, 'm'));
      assert(existsSync(new URL(`../../${event}`, import.meta.url)), event);
    }
  });

  it('calls the programs of this repository at the ports that the document starts them on', () => {
    const document = file('docs/deploy.md');
    for (const [service, flag] of [
      ['SAGEMAKER_RUNTIME', '--port'],
      ['S3', '--s3-port'],
      ['BEDROCK_RUNTIME', '--bedrock-port'],
    ] as const) {
      const port = property(template, `AWS_ENDPOINT_URL_${service}`).split(':').at(-1) ?? '';
      assert(document.includes(`${flag} ${port} `), `${flag} ${port}`);
    }
  });
});
