import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import { Construct } from 'constructs';

/** Settings of {@link ImageRepositories}. */
export interface ImageRepositoriesProps {
  /**
   * How many images each keeps, the newest. One that an endpoint or a pipeline still names must be
   * among them: without it no instance starts.
   */
  readonly keptImages: number;
  /** What becomes of the repositories when they leave the stack; destroyed, with their images. */
  readonly removalPolicy: RemovalPolicy;
}

/**
 * Where images are pushed that `cdk deploy` does not build: a tag means the same image for ever, and
 * every image is looked through for known vulnerabilities.
 */
export class ImageRepositories extends Construct {
  readonly modelServer: Repository;
  readonly trainer: Repository;

  constructor(scope: Construct, id: string, props: ImageRepositoriesProps) {
    super(scope, id);
    this.modelServer = this.repository('ModelServer', props);
    this.trainer = this.repository('Trainer', props);
  }

  private repository(
    id: string,
    { keptImages, removalPolicy }: ImageRepositoriesProps,
  ): Repository {
    return new Repository(this, id, {
      imageTagMutability: TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      lifecycleRules: [
        {
          description: 'What a push left behind',
          rulePriority: 1,
          tagStatus: TagStatus.UNTAGGED,
          maxImageAge: Duration.days(7),
        },
        {
          description: 'The newest stay',
          rulePriority: 2,
          tagStatus: TagStatus.ANY,
          maxImageCount: keptImages,
        },
      ],
      removalPolicy,
      emptyOnDelete: removalPolicy === RemovalPolicy.DESTROY,
    });
  }
}
