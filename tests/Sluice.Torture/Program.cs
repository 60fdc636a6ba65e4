using Sluice.Torture;

TortureOptions options;
try
{
    options = TortureOptions.Parse(args);
}
catch (FormatException mistake)
{
    Console.Error.WriteLine($"torture: {mistake.Message} ({TortureOptions.Usage})");
    return 2;
}

if (options.Child is { } child)
{
    await ChildLife.RunAsync(options, child);
    return 0;
}

var sum = new Verdict(0, 0, 0, 0, 0, 0);
if (options.IsSweep)
{
    var sweep = new SweepRun(options);
    sum = await sweep.RunAsync();
    Console.Out.WriteLine($"kills: {sweep.Killed}");
}
else
{
    // Cases until there are kills enough; the last one gets what is left.
    var runs = new List<CaseRun>();
    for (int number = options.OnlyCase ?? 0, left = options.Kills; left > 0; number++)
    {
        var one = new Case(options.Seed, number, options.Items, hasTroubles: options.HasTroubles);
        runs.Add(new CaseRun(options, one, options.OnlyCase is null ? Math.Min(left, one.Kills) : left));
        left -= options.OnlyCase is null ? one.Kills : left;
    }

    var sync = new Lock();
    await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, async (run, _) =>
    {
        Verdict verdict = await run.RunAsync();
        lock (sync)
        {
            sum += verdict;
            if (run.Findings.Count > 0) Console.Error.WriteLine(
                $"{run}\n  {string.Join("\n  ", run.Findings.Take(20).Concat(run.Findings.Skip(20).TakeLast(1)))}");
        }
    });
    string servers = options.Store is "redis" or "postgres" ? $" of workers and {runs.Sum(run => run.KilledServers)} of servers" : "";
    string freezes = !options.HasTroubles ? ""
        : $"; the server stood still {runs.Sum(run => run.Freezes.Server)} times, processes {runs.Sum(run => run.Freezes.Process)} times";
    Console.Error.WriteLine($"{runs.Sum(run => run.Killed)} kills{servers} in {runs.Count} cases{freezes}");
    Console.Out.WriteLine($"kills: {runs.Sum(run => run.Killed)}\nkilled-servers: {runs.Sum(run => run.KilledServers)}");
}
Console.Out.WriteLine(sum);
return sum.IsGood ? 0 : 1;
