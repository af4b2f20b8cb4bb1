import { App } from 'aws-cdk-lib';
import { LookbookStack } from '../lib/lookbook-stack.ts';
import { loadSettings } from '../lib/settings-file.ts';

/** The stack is bound to no account or region: it goes where the caller's credentials point. */
function main(): void {
  const app = new App({ autoSynth: false });
  const path = app.node.tryGetContext('config') as string | undefined;
  const settings = loadSettings(path);
  new LookbookStack(app, settings.stack.name, {
    settings,
    description: 'Lookbook: attributes and descriptions of products from their photos',
  });
  app.synth();
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
