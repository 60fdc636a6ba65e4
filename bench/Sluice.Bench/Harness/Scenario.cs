namespace Sluice.Bench;

/// <summary>
/// The outcome of one run of a variant: a checksum of its results, and the time per item if the variant measures that itself.
/// </summary>
internal readonly record struct Outcome(double Checksum, double? NanosecondsPerItem = null);

/// <summary>One way to do the work of a comparison, defined in the scenario's own file beside its rivals.</summary>
internal sealed record Variant(string Name, Func<long, Task<Outcome>> RunAsync)
{
    /// <summary>The name of the library's own variant.</summary>
    public const string Ours = "sluice";

    public static Variant Of(string name, Func<long, double> run) => new(name, count => Task.FromResult(new Outcome(run(count))));

    public static Variant OfTask(string name, Func<long, Task<double>> run) => new(name, async count => new Outcome(await run(count)));
}

/// <summary>Variants that do the same work with the same checksum, and are therefore compared.</summary>
internal sealed record Comparison(string Name, long Count, long QuickCount, Func<long, double> Expected, IReadOnlyList<Variant> Variants)
{
    /// <summary>The size of the runs that are repeated until the code has been compiled for good.</summary>
    public long WarmCount { get; init; } = 2_000;

    /// <summary>The number of items that a run of that count moves; the count itself unless the scenario counts something else.</summary>
    public Func<long, long> Items { get; init; } = static count => count;

    /// <summary>The relative tolerance of the checksum; not zero only where fractions are summed in another order.</summary>
    public double Tolerance { get; init; }
}

/// <summary>A row of the gate table: one comparison, or several that belong together.</summary>
internal sealed record Scenario(string Name, string What, IReadOnlyList<Comparison> Comparisons)
{
    /// <summary>
    /// Measures the whole scenario, if it runs other programs for too long for rounds. The argument says whether to be quick.
    /// </summary>
    public Func<bool, Task<IReadOnlyList<Result>>>? MeasureAsync { get; init; }

    /// <summary>Whether it runs only if the command line names it, because it takes minutes.</summary>
    public bool IsOnRequest { get; init; }

    /// <summary>Prints further figures and cleans up; called after all comparisons are measured.</summary>
    public Action? Finish { get; init; }
}
