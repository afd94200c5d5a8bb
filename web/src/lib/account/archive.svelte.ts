/** Takes an archive of what is held about a player, and gives it to the browser to keep: as an errand of the page. */
import type { AccountApi } from '$lib/api/account';
import { saveAs } from '$lib/ui/save';
import { Errand } from './errand.svelte';

const NAME = 'raidcast-player.tar.zst';

/** See the module. */
export class ArchiveErrand extends Errand {
  /** So much of it has come; `null`: none is on its way. */
  bytes = $state<number | null>(null);
  /** How it stands, to be told. */
  said = $state('');

  /** Whether it is kept. */
  async take(request: (api: AccountApi, heard: (bytes: number) => void) => Promise<Blob>): Promise<boolean> {
    this.said = '';
    const done = await this.run('download what is held', async (api) => {
      this.bytes = 0;
      this.said = 'The archive is being made. Stay on this page until it is saved.';
      try {
        saveAs(
          NAME,
          await request(api, (bytes) => {
            this.bytes = bytes;
          }),
        );
      } finally {
        [this.bytes, this.said] = [null, ''];
      }
    });
    if (done) this.said = `The archive is saved: ${NAME}.`;
    return done;
  }
}
