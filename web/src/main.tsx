// SPDX-License-Identifier: Apache-2.0
// Where the page begins.
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app';
import { start } from './state';

start();
render(<App />, document.getElementById('page')!);
