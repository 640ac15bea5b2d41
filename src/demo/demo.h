/* SPDX-License-Identifier: Apache-2.0 */
/* demo -- `mulgil demo`: starts a server, deploys the audience pipeline, plays tablets, and proves the outcome. */
#pragma once

int demo_main(int argc, char **argv);
int replay_main(int argc, char **argv); /* replay.h */
