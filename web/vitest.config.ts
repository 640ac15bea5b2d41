// SPDX-License-Identifier: Apache-2.0
// Unit tests of the page's pure parts.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/*.test.ts'], environment: 'node', watch: false } });
