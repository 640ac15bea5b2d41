// SPDX-License-Identifier: Apache-2.0
// Unit tests of the page's pure parts.
import { defineConfig } from 'vitest/config';

// The host is given because not every machine's name service knows "localhost"; nothing listens there.
export default defineConfig({ server: { host: '127.0.0.1' }, test: { include: ['test/*.test.ts'], environment: 'node', watch: false } });
