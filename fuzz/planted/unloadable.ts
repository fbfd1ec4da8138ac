/** A target whose module fails: that must not pass for a target without findings. */

throw new Error("the planted failure to load");
