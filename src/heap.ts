import { setFlagsFromString } from "node:v8";

// V8 spends memory to save time: up to 128 MiB on new objects, and old ones may double before it looks which are garbage.
// That suits a program that has a machine to itself. Both flags are read whenever a heap is about to grow.
setFlagsFromString("--semi-space-growth-factor=1");

/** From here on old objects grow little by little: what is read at the start is there to stay, and was not worth a look. */
export const keepHeapSmall = (): void => setFlagsFromString("--heap-growing-percent=30");
