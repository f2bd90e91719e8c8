import { serve } from "./serve.ts";
import { size, type Target } from "./target.ts";

/** Targets with each kind of fault that the fuzzer must find. */
const target = (run: Target["run"]): Target => ({ kind: "text", corpus: ["x"], run });

serve({
	works: target(() => size("x")),
	hangs: target(() => {
		for (;;);
	}),
	throws: target(() => {
		throw new Error("broken");
	}),
	"throws later": target(() => {
		setImmediate(() => {
			throw new Error("broken");
		});
		return size();
	}),
	grows: target(() => size("x".repeat(100_000))),
});
