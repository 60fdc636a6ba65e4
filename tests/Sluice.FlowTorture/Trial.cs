using System.Collections.Concurrent;
using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.FlowTorture;

/// <summary>How a run has come out.</summary>
internal enum Outcome
{
    Same,
    Different,
    Hung,
    Failed,
}

/// <summary>One run of the flow, which three services host, in processes of their own, that are killed again and again.</summary>
internal sealed class Trial
{
    private readonly FlowTortureOptions options;
    private readonly Service[] services;
    private readonly Progress progress = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly string prefix, server;
    private readonly TimeSpan lease;
    private readonly bool hasStops;
    private readonly Dice stops;

    private Trial(FlowTortureOptions options, string server, ulong seed, bool isDisturbed)
    {
        (this.options, this.server, prefix) = (options, server, $"{(isDisturbed ? "run" : "undisturbed")}{seed}");
        var dice = new Dice(seed);
        (hasStops, stops) = (options.HasTroubles && isDisturbed, dice.For(200));
        lease = TimeSpan.FromMilliseconds(dice.OneOf(500, 1000, 1500));
        // Each processor has a host, and every third one a second one, which takes over.
        List<string>[] hosts = [[], [], []];
        int turn = dice.Below(3);
        foreach (string processor in CrashFlow.Everything.Processors.Select(processor => processor.Name).OrderBy(_ => dice.Next()).ToList())
        {
            hosts[turn++ % 3].Add(processor);
            if (dice.Chance(35)) hosts[(turn + dice.Below(2)) % 3].Add(processor);
        }
        int values = CrashFlow.Expected(options.Items).Values.Sum(stream => stream.Count);
        services = [.. hosts.Select((hosted, i) => new Service(
            new($"service{i + 1}", server, prefix, [.. hosted], lease, options.Patience, options.CarriesOver,
                SkewOf(options, dice.For(100 + (ulong)i))), dice.For((ulong)i), progress, values, isDisturbed ? options.Kills : 0,
                    isRenamed: dice.Chance(50)))];
    }

    /// <summary>What came out, by stream; null if it did not come to its end.</summary>
    public Dictionary<string, List<string>>? Results { get; private set; }

    public Outcome Outcome { get; private set; }

    /// <summary>The reason why the trial failed; null if it did not.</summary>
    public string? Problem { get; private set; }

    /// <summary>How often each service was killed.</summary>
    public IReadOnlyList<int> Kills => [.. services.Select(service => service.Kills)];

    /// <summary>How often a processor was started again, for each way to resume.</summary>
    public Dictionary<ResumeMode, int> Resumed { get; } = [];

    public TimeSpan Took { get; private set; }

    /// <summary>Runs the flow.</summary>
    /// <param name="options">How.</param>
    /// <param name="server">Where the store is.</param>
    /// <param name="seed">What dies when.</param>
    /// <param name="expected">What came out of an undisturbed run; null if this is to be it.</param>
    public static async Task<Trial> RunAsync(FlowTortureOptions options, string server, ulong seed,
        Dictionary<string, List<string>>? expected)
    {
        var trial = new Trial(options, server, seed, isDisturbed: expected is not null);
        await trial.RunAsync(expected ?? CrashFlow.Expected(options.Items));
        return trial;
    }

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture,
        $"{string.Join(" + ", Kills)} kills, "
            + $"resumed {string.Join(" + ", Enum.GetValues<ResumeMode>().Select(way => Resumed.GetValueOrDefault(way)))}, {Took.TotalSeconds:0.0} s, {Outcome.ToString().ToLowerInvariant()}");

    private static TimeSpan SkewOf(FlowTortureOptions options, Dice dice)
        => options.HasTroubles ? TimeSpan.FromHours(dice.OneOf(-48, -1, 0, 0, 1, 48)) : TimeSpan.Zero;

    private async Task RunAsync(Dictionary<string, List<string>> expected)
    {
        using var limit = new CancellationTokenSource(options.Patience);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        long begun = TimeProvider.System.GetTimestamp();
        string step = "starting";
        await using IStreamStore store = await Server.OpenAsync(server, prefix, options.Patience);
        await using var starter = Supervisor.Attach(store, new() { Name = "starter", LeaseDuration = lease, OnWarning = warnings.Enqueue });
        Task[] lives = [.. services.Select(service => LiveAsync(service, limit, over.Token)),
            .. services.Where(_ => hasStops).Select((service, i) => service.StopNowAndThenAsync(stops.For((ulong)i), over.Token))];
        FlowRun? run = null;
        void Note(string stream, int count)
        {
            progress.Add();
            limit.CancelAfter(options.Patience);
        }

        try
        {
            run = await starter.StartAsync(CrashFlow.Everything, [IOVal.Of(CrashFlow.Input, options.Items)], allOutputs: true,
                cancellation: limit.Token);
            step = "reading";
            Results = await CrashFlow.ReadAsync(run, Note, limit.Token);
            step = "completing";
            await run.Completion.WaitAsync(limit.Token);
            Took = TimeProvider.System.GetElapsedTime(begun);
            FlowRunInfo status = await run.GetStatusAsync(limit.Token);
            foreach (IGrouping<ResumeMode, ProcessorInfo> group in status.Processors.GroupBy(processor =>
                CrashFlow.Everything.Processors.Single(one => one.Name == processor.Name).Resume))
                Resumed[group.Key] = group.Sum(processor => processor.Starts - 1);
            await over.CancelAsync();
            await Task.WhenAll(lives);
            step = "being deleted";
            await DeleteAsync(starter, store, run, limit.Token);
            step = "ending its services";
            foreach (Service service in services) await service.EndAsync(limit.Token);
            if (CrashFlow.Difference(expected, Results) is { } difference) Fail(Outcome.Different, difference);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            if (Problem is null)
                Fail(Outcome.Hung,
                    $"it was {step} and has stood still for {options.Patience}, after {progress.Count} "
                        + $"values:\n{await DescribeAsync(run)}");
        }
        catch (Exception failure) when (failure is TortureException or FlowException or StreamStoreException)
        {
            Fail(Outcome.Failed, $"{step}: {failure.Message}\n{await DescribeAsync(run)}");
        }
        await over.CancelAsync();
        await Task.WhenAll(lives);
        foreach (Service service in services) await service.DisposeAsync();
        if (Problem is not null)
            Problem = $"{Problem}\n--- starter\n{string.Join('\n', warnings)}\n{string.Join("", services.Select(service =>
                $"--- {service.Name}, killed {service.Kills} times\n{service.Said}"))}";
        if (run is not null) await run.DisposeAsync();
    }

    // Who hosts it may still be at closing its readers. When it is done, it commits that to the stream of its work.
    private static async Task DeleteAsync(Supervisor starter, IStreamStore store, FlowRun run, CancellationToken cancellation)
    {
        await run.DisposeAsync();
        string[] work = [.. CrashFlow.Everything.Processors.Select(processor => $"work/{processor.Name}")];
        for (bool isDeleted = false; !isDeleted;)
        {
            long[] seen = await Task.WhenAll(work.Select(stream => store.WaitForChangeAsync(stream, -1, cancellation).AsTask()));
            try
            {
                isDeleted = await starter.DeleteAsync(run.Id, cancellation);
            }
            catch (InvalidOperationException)
            {
                using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                await await Task.WhenAny(work.Select((stream, i) => store.WaitForChangeAsync(stream, seen[i], waiting.Token).AsTask()));
                await waiting.CancelAsync();
            }
        }
        string[] left = [.. (await store.ListStreamsAsync("", cancellation)).Where(stream => stream != "flow-sweep"
            && !stream.StartsWith("work/", StringComparison.Ordinal))];
        if (left.Length > 0) throw new TortureException($"the run is deleted, and has left {string.Join(", ", left)} behind");
    }

    private static async Task<string> DescribeAsync(FlowRun? run)
    {
        if (run is null) return "it was not started";
        try
        {
            return (await run.GetStatusAsync()).ToText();
        }
        catch (Exception unknown) when (unknown is StreamStoreException or FlowException or NullReferenceException)
        {
            return $"its state is not known: {unknown.Message}";
        }
    }

    private async Task LiveAsync(Service service, CancellationTokenSource limit, CancellationToken over)
    {
        try
        {
            await service.LiveAsync(over);
        }
        catch (TortureException broken)
        {
            Fail(Outcome.Failed, broken.Message);
            await limit.CancelAsync();
        }
    }

    private void Fail(Outcome outcome, string problem)
        => (Outcome, Problem) = (outcome, Problem is null ? problem : $"{Problem}; {problem}");
}
