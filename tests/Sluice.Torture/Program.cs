using Sluice.Torture;

TortureOptions options;
try
{
    options = TortureOptions.Parse(args);
}
catch (FormatException mistake)
{
    Console.Error.WriteLine($"torture: {mistake.Message}\n{TortureOptions.Usage}");
    return 2;
}

if (options.Life is { } life)
{
    await ChildLife.RunAsync(options, life.Directory, life.Life, life.Kills, (life.First, life.Count));
    return 0;
}

// Cases until there are kills enough; the last one gets what is left.
var runs = new List<CaseRun>();
for (int number = options.OnlyCase ?? 0, left = options.Kills; left > 0; number++)
{
    var one = new Case(options.Seed, number, options.Items);
    runs.Add(new CaseRun(options, one, options.IsSweep ? left : Math.Min(left, one.Kills)));
    left -= options.OnlyCase is null ? one.Kills : left;
}

var sync = new Lock();
var sum = new Verdict(0, 0, 0, 0, 0, 0);
await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, async (run, _) =>
{
    Verdict verdict = await run.RunAsync();
    lock (sync)
    {
        sum += verdict;
        if (run.Findings.Count > 0) Console.Error.WriteLine($"{run}\n  {string.Join("\n  ", run.Findings.Take(20).Concat(run.Findings.Skip(20).TakeLast(1)))}");
    }
});
Console.Error.WriteLine($"{runs.Sum(run => run.Killed)} kills in {runs.Count} cases");
Console.Out.WriteLine(sum);
return sum.IsGood ? 0 : 1;
