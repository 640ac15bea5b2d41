// SPDX-License-Identifier: Apache-2.0
// How the page is built: files of its own for script and style (the server's policy forbids inline ones), the same
// bytes every time.
import { defineConfig } from 'vite';

export default defineConfig({
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
	build: {
		target: 'es2022',
		assetsInlineLimit: 0,
		sourcemap: false,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
});
