using Sluice.FlowTorture;

FlowTortureOptions options;
try
{
    options = FlowTortureOptions.Parse(args);
}
catch (FormatException mistake)
{
    Console.Error.WriteLine($"flow torture: {mistake.Message} ({FlowTortureOptions.Usage})");
    return 2;
}

if (options.Service is { } service)
{
    await ServiceLife.RunAsync(service);
    return 0;
}

await using Server server = await Server.StartAsync(options.Store, options.ServerKind);
Dictionary<string, List<string>>? expected = CrashFlow.Expected(options.Items);
if (!options.IsKnown)
{
    Trial undisturbed = await Trial.RunAsync(options, server.Address, options.Seed, expected: null);
    if (undisturbed.Problem is { } problem)
    {
        Console.Error.WriteLine($"the undisturbed run: {problem}");
        return 1;
    }
    expected = undisturbed.Results;
}

using var over = new CancellationTokenSource();
Task freezing = options.HasTroubles ? Freezes.RunAsync(server, new Dice(options.Seed).For(1UL << 40), over.Token) : Task.CompletedTask;
var sum = new Tally();
var sync = new Lock();
await Parallel.ForEachAsync(Enumerable.Range(0, options.Runs), new ParallelOptions { MaxDegreeOfParallelism = options.Jobs },
    async (number, _) =>
{
    ulong seed = unchecked(options.Seed + (ulong)number);
    Trial trial = await Trial.RunAsync(options, server.Address, seed, expected);
    lock (sync)
    {
        sum.Add(trial);
        Console.Error.WriteLine($"seed {seed}: {trial}");
        if (trial.Problem is { } problem) Console.Error.WriteLine($"{problem}\n  repeat: {options with { Seed = seed, Runs = 1 }}");
    }
});
await over.CancelAsync();
await freezing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
Console.Out.WriteLine(sum);
return sum.IsGood ? 0 : 1;
