/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap of the audience pipeline: the handler's name chooses the function. */
#include "runtime.h"

int main(void)
{
	static const struct function_row rows[] = {
		{ "issue_upload_urls", issue_upload_urls },
		{ "verify_measurement", verify_measurement },
		{ "analyse_measurement", analyse_measurement },
	};

	return runtime_run(rows, ARRAY_LEN(rows));
}
