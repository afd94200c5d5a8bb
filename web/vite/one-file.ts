import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/**
 * Puts scripts and styles of the one page into it, and a policy that lets nothing else run and nothing be loaded: it is
 * opened as a file, by whoever was given it.
 */
export function oneFile(): Plugin {
  return {
    name: 'raidcast:one-file',
    enforce: 'post',
    generateBundle: {
      // Behind what finishes the scripts.
      order: 'post',
      handler(_, bundle) {
        const text = (file: string): string => {
          const one = bundle[file.replace(/^\//, '')];
          if (one === undefined) throw new Error(`${file} is not in the bundle`);
          return one.type === 'chunk' ? one.code : String(one.source);
        };
        const hashes: string[] = [];
        // Within a script, what would end it or begin a comment is written so that it does not.
        const script = (attributes: string, file: string): string => {
          const code = text(file)
            .trim()
            .replace(/<(\/script|script|!--)/gi, '\\x3C$1');
          if (code.includes('__VITE_')) throw new Error(`${file} is not finished`);
          hashes.push(`'sha256-${createHash('sha256').update(code).digest('base64')}'`);
          return `<script${attributes}>${code}</script>`;
        };
        const page = Object.values(bundle).find((one) => one.fileName.endsWith('.html'));
        if (page?.type !== 'asset') throw new Error('there is no page');
        const whole = String(page.source)
          .replace(/\s*<link rel="modulepreload"[^>]*>/g, '')
          .replace(/<link rel="stylesheet"[^>]*href="([^"]+)"[^>]*>/g, (_, file: string) => {
            const css = text(file).trim();
            if (/<\/style/i.test(css)) throw new Error('a style ends itself');
            return `<style>${css}</style>`;
          })
          .replace(
            /<script( type="module")?[^>]* src="([^"]+)"[^>]*><\/script>/g,
            (_, module: string | undefined, file: string) => script(module ?? '', file),
          );
        const policy = [
          "default-src 'none'",
          `script-src ${hashes.join(' ')}`,
          "style-src 'unsafe-inline'",
          'img-src data:',
          "base-uri 'none'",
          "form-action 'none'",
        ].join('; ');
        const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}" />`;
        // Before all that it is to hold.
        const charset = '<meta charset="utf-8" />';
        page.source = whole
          .replace(new RegExp(`\\s*${charset}`), '')
          .replace('<head>', (head) => [head, charset, meta].join('\n    '));
        for (const [file, one] of Object.entries(bundle)) if (one !== page) Reflect.deleteProperty(bundle, file);
      },
    },
  };
}
