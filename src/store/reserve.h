/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve -- room on a disk that is kept for deletions; private to store/.
 *
 * New bytes are refused when less than 128 MiB is free (an eighth of a small file system), so that what needs only a commit
 * goes on.  Against others who fill the disk, half as much is set aside in a file, which is given back when a commit finds no
 * room, and made again when there is plenty.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* ERR_LIMIT: what is still free on @fd's file system is not for new bytes. */
int reserve_check(int fd, struct err *e) MUST_CHECK;
/* The file in the folder @dir.  Made if it is not there and the disk is far from full; not being able to is no error. */
void reserve_make(const char *dir);
bool reserve_give_back(const char *dir); /* true: it was there */
