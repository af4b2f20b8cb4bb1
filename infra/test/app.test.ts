import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  APP_FOLDER,
  assemblyFolder,
  scratchFile,
  stackOf,
  templateOf,
  withoutBuilds,
} from './support.ts';

/** Runs the app as the CDK command line does, with `-c config=<path>`. */
function runApp(config: string, outdir: string) {
  const { context, app } = JSON.parse(readFileSync(join(APP_FOLDER, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
    app: string;
  };
  const [command = '', ...args] = app.split(' ');
  return spawnSync(command, args, {
    cwd: APP_FOLDER,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, config }),
    },
  });
}

describe('app', () => {
  it('synthesizes the stack that the settings name, without an account', () => {
    const settings = withoutBuilds({ stack: { name: 'Lookbook-Test' } });
    const config = scratchFile('settings.json', JSON.stringify(settings));
    const outdir = `${config}.out`;
    const { status, stderr } = runApp(config, outdir);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const manifest = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as {
      artifacts: Record<string, { environment?: string }>;
    };
    assert.equal(
      manifest.artifacts['Lookbook-Test']?.environment,
      'aws://unknown-account/unknown-region',
    );
  });

  it('ends with the reason alone where a setting is wrong', () => {
    const config = scratchFile('settings.json', '{"api": {"burst": 0}}');
    const { status, stderr } = runApp(config, `${config}.out`);
    assert.equal(status, 1);
    assert.match(stderr, /^.*settings\.json:\n {2}api\.burst: .*\n$/);
    assert(!existsSync(join(`${config}.out`, 'manifest.json')));
  });

  it('makes the same files from the same tree', () => {
    const [first, second] = [synthesized(), synthesized()];
    assert.equal(first.template, second.template);
    assert.equal(first.assets, second.assets);
  });

  it('tells where everything is', () => {
    assert.deepEqual(Object.keys(templateOf().toJSON().Outputs as object), [
      'CatalogueBucketName',
      'DescriptionsUrl',
      'EndpointName',
      'FunctionName',
      'FailureQueueUrl',
      'UploadQueueUrl',
      'UploadDeadLetterQueueUrl',
    ]);
  });
});

/** The text of the template and of the list of assets. */
function synthesized(): { template: string; assets: string } {
  const stack = stackOf();
  const directory = assemblyFolder(stack);
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return {
    template: read(stack.templateFile),
    assets: read(`${stack.artifactId}.assets.json`),
  };
}
