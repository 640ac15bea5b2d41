/* SPDX-License-Identifier: Apache-2.0 */
/* services: the only list of the services. */
#include "main/wire.h"
#include "svc/sts/sts.h"

void services_register(struct op_registry *r, struct wire *w)
{
	op_registry_add(r, &athena_service, w ? w->athena : NULL);
	op_registry_add(r, &events_service, w ? w->events : NULL);
	op_registry_add(r, &firehose_service, w ? w->firehose : NULL);
	op_registry_add(r, &glue_service, w ? w->glue : NULL);
	op_registry_add(r, &kinesis_service, w ? w->kinesis : NULL);
	op_registry_add(r, &lambda_service, w ? w->lambda : NULL);
	op_registry_add(r, &logs_service, w ? w->logs : NULL);
	op_registry_add(r, &s3_service, w ? w->s3 : NULL);
	op_registry_add(r, &sqs_service, w ? w->sqs : NULL);
	op_registry_add(r, &states_service, w ? w->states : NULL);
	op_registry_add(r, &sts_service, NULL);
}
