// Fifty tasks with nothing to do.
for (let n = 0; n < 50; n++) exports[`task${n}`] = () => n;
