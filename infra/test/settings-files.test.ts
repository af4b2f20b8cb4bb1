import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { getFileInfo } from 'prettier';
import { APP_FOLDER } from './support.ts';

describe('files of settings of your own', () => {
  const ignored = async (file: string) => {
    const ignorePath = join(APP_FOLDER, '.prettierignore');
    return (await getFileInfo(join(APP_FOLDER, file), { ignorePath })).ignored;
  };

  it('are formatted as you like, and default.json as everything else', async () => {
    for (const file of ['config/my.json', 'config/staging.json']) {
      assert(await ignored(file), file);
    }
    assert(!(await ignored('config/default.json')));
  });

  it('are left out by git where their names begin with "my"', (test) => {
    const gitIgnores = (file: string) =>
      spawnSync('git', ['check-ignore', '--quiet', '--no-index', file], { cwd: APP_FOLDER }).status;
    if (gitIgnores('node_modules') !== 0) {
      test.skip('there is no git, or this is no checkout');
      return;
    }
    assert.equal(gitIgnores('config/my.json'), 0);
    assert.equal(gitIgnores('config/my-trial.json'), 0);
    assert.equal(gitIgnores('config/staging.json'), 1);
    assert.equal(gitIgnores('config/default.json'), 1);
  });
});
