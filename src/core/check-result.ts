/** A result of `check` for one part of the set-up: `ok`, or the cause and the cure in `detail`. */
export type CheckResult = Readonly<{ ok: boolean; what: string; detail?: string }>;

export const works = (what: string, detail?: string): CheckResult => ({
	ok: true,
	what,
	...(detail !== undefined && { detail }),
});
export const fails = (what: string, detail: string): CheckResult => ({ ok: false, what, detail });
