/** Returns how long this process has computed so far, in ms: other than the time of day it stands still while others compute. */
export function processorTime(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1_000;
}
