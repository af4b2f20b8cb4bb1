import { fileURLToPath } from 'node:url';
import { Arn, ArnFormat, Stack } from 'aws-cdk-lib';
import { Repository, type IRepository } from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

/** What images are built from. */
export const REPOSITORY_ROOT = fileURLToPath(new URL('../..', import.meta.url));

const DOCKERFILES = {
  cpu: 'model-server/Dockerfile',
  cuda: 'model-server/Dockerfile.cuda',
} as const;

/** The model server's container image, and the ECR repository that it is pulled from. */
export interface ModelImage {
  readonly uri: string;
  readonly repository: IRepository;
}

/**
 * The image that the settings name, or one that `cdk deploy` builds from this source tree.
 *
 * @param id what its parts are called in the scope
 */
export function modelImage(
  scope: Construct,
  setting: Settings['endpoint']['containerImage'],
  id = 'ModelImage',
): ModelImage {
  if ('uri' in setting) {
    return { uri: setting.uri, repository: repositoryOf(scope, setting.uri, id) };
  }
  const asset = new DockerImageAsset(scope, id, {
    directory: REPOSITORY_ROOT,
    file: DOCKERFILES[setting.build],
    // SageMaker's hosts are x86-64, whatever machine builds the image.
    platform: Platform.LINUX_AMD64,
  });
  return { uri: asset.imageUri, repository: asset.repository };
}

/**
 * The repository of an image.
 *
 * @param uri `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>` or `…@<digest>`
 */
export function repositoryOf(scope: Construct, uri: string, id: string): IRepository {
  const slash = uri.indexOf('/');
  const [account = '', , , region = ''] = uri.slice(0, slash).split('.');
  const [repositoryName = ''] = uri.slice(slash + 1).split(/[:@]/);
  const repositoryArn = Arn.format(
    {
      service: 'ecr',
      region,
      account,
      resource: 'repository',
      resourceName: repositoryName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    },
    Stack.of(scope),
  );
  return Repository.fromRepositoryAttributes(scope, `${id}Repository`, {
    repositoryArn,
    repositoryName,
  });
}
