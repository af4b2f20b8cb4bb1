import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { Construct } from 'constructs';
import { REPOSITORY_ROOT, repositoryOf } from '../model-image.ts';
import type { Settings } from '../settings.ts';

const DOCKERFILES = { cpu: 'trainer/Dockerfile', cuda: 'trainer/Dockerfile.cuda' } as const;

/** The trainer's container image, and the ECR repository that it is pulled from. */
export interface TrainerImage {
  readonly uri: string;
  readonly repository: IRepository;
}

/**
 * The image that the settings name, or one that `cdk deploy` builds from this source tree.
 *
 * @param own the stack's repository of trainers, of which the settings may name a tag
 */
export function trainerImage(
  scope: Construct,
  setting: Settings['training']['containerImage'],
  own: IRepository,
): TrainerImage {
  if ('uri' in setting) {
    return { uri: setting.uri, repository: repositoryOf(scope, setting.uri, 'TrainerImage') };
  }
  if ('tag' in setting) {
    return { uri: own.repositoryUriForTag(setting.tag), repository: own };
  }
  const asset = new DockerImageAsset(scope, 'TrainerImage', {
    directory: REPOSITORY_ROOT,
    file: DOCKERFILES[setting.build],
    // SageMaker's hosts are x86-64, whatever machine builds the image.
    platform: Platform.LINUX_AMD64,
  });
  return { uri: asset.imageUri, repository: asset.repository };
}
