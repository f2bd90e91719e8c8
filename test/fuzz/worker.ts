import { serve } from "./serve.ts";
import { targets } from "./targets.ts";

serve(targets);
