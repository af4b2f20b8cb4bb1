import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { assemblyFolder, stackOf } from './support.ts';

interface AssetManifest {
  readonly dockerImages: Record<
    string,
    {
      readonly source: {
        readonly directory: string;
        readonly dockerFile: string;
        readonly platform: string;
      };
    }
  >;
}

/** Synthesizes and returns what `docker build` would be given. */
function buildContext(build: 'cpu' | 'cuda') {
  const stack = stackOf({ endpoint: { containerImage: { build } } });
  const directory = assemblyFolder(stack);
  const manifest = JSON.parse(
    readFileSync(join(directory, `${stack.artifactId}.assets.json`), 'utf8'),
  ) as AssetManifest;
  const [image] = Object.values(manifest.dockerImages);
  assert(image !== undefined);
  return { stack, source: image.source, context: join(directory, image.source.directory) };
}

/** The folders that the `members` of the workspace's manifest name. */
function workspaceMembers(root: string): string[] {
  const [, list = ''] =
    /^members = \[([^\]]*)\]/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8')) ?? [];
  return [...list.matchAll(/"([^"]+)"/g)].flatMap(([, member = '']) =>
    member.endsWith('/*')
      ? readdirSync(join(root, member.slice(0, -2))).map((name) => join(member.slice(0, -2), name))
      : [member],
  );
}

describe("model server's image", () => {
  it('is built from the Dockerfile that the settings choose', () => {
    assert.equal(buildContext('cpu').source.dockerFile, 'model-server/Dockerfile');
    const { source } = buildContext('cuda');
    assert.equal(source.dockerFile, 'model-server/Dockerfile.cuda');
    assert.equal(source.platform, 'linux/amd64');
  });

  it('gets the manifests and sources of the whole workspace, and nothing of their size', () => {
    const { context, source } = buildContext('cuda');
    const members = workspaceMembers(context);
    assert(members.includes('model-server') && members.includes('crates/blip2'));
    for (const file of ['Cargo.lock', source.dockerFile]) {
      assert(existsSync(join(context, file)), file);
    }
    for (const member of members) {
      assert(existsSync(join(context, member, 'Cargo.toml')), `${member}/Cargo.toml`);
      assert(existsSync(join(context, member, 'src')), `${member}/src`);
    }
    for (const absent of ['target', '.git', 'models', 'infra', 'node_modules']) {
      assert(!existsSync(join(context, absent)), absent);
    }
  });

  it('is what the endpoint runs', () => {
    const { stack } = buildContext('cuda');
    const [model] = Object.values(
      Template.fromStack(stack).findResources('AWS::SageMaker::Model'),
    ) as [{ Properties: { PrimaryContainer: { Image: unknown } } }];
    assert.match(
      JSON.stringify(model.Properties.PrimaryContainer.Image),
      /dkr\.ecr\..*container-assets-.*:[0-9a-f]{64}/,
    );
  });
});
