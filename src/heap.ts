import { setFlagsFromString } from "node:v8";

// V8 spends memory to save time: up to 128 MiB on new objects, and old ones may double before it looks which are garbage.
// That suits a program that has a machine to itself. These are read whenever a heap is about to grow.
setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--heap-growing-percent=30");
