/** The milliseconds within which a test expects an event to happen. A busy machine can stand still for seconds. */
export const patience = 30_000;
