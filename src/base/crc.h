/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc -- CRC-32 (ISO-HDLC, zlib's), CRC-32C (Castagnoli, RFC 3720) and CRC-64/NVME.
 *
 * Each call continues from the value of the call before; the first starts with 0.
 * "123456789" gives cbf43926, e3069283 and ae8b14860a799888.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_ieee(uint32_t crc, const void *p, size_t n);
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
uint64_t crc64nvme(uint64_t crc, const void *p, size_t n);
