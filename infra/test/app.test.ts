import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { APP_FOLDER, scratchFile, templateOf, withoutBuilds } from './support.ts';

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

  it('makes the same files from the same tree, in another process and another folder', () => {
    // With the image's build context, the largest of the assets.
    const settings = withoutBuilds({ endpoint: { containerImage: { build: 'cuda' } } });
    const [first, second] = ['first', 'second'].map((name) => {
      const config = scratchFile(`${name}.json`, JSON.stringify(settings));
      const outdir = `${config}.out`;
      assert.equal(runApp(config, outdir).stderr, '');
      return filesIn(outdir);
    });
    assert(first !== undefined && second !== undefined);
    assert.deepEqual([...first.keys()], [...second.keys()]);
    assert([...first.keys()].some((name) => name.endsWith('.assets.json')));
    for (const [name, content] of first) {
      assert(content.equals(second.get(name) ?? Buffer.of()), `${name} differs`);
    }
  });

  it('tells where everything is', () => {
    assert.deepEqual(Object.keys(templateOf().toJSON().Outputs as object), [
      'CatalogueBucketName',
      'EndpointName',
      'DashboardName',
      'DescriptionsUrl',
      'FunctionName',
      'FailureQueueUrl',
      'UploadQueueUrl',
      'UploadDeadLetterQueueUrl',
    ]);
  });
});

/** Every file below the folder, with what is in it, in the order of their names. */
function filesIn(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(files.map((path) => [relative(folder, path), readFileSync(path)]));
}
