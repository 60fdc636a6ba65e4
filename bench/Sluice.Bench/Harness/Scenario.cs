namespace Sluice.Bench;

/// <summary>What one run of a variant gave: a checksum of its results, and the time per item where the variant measures that itself.</summary>
internal readonly record struct Outcome(double Checksum, double? NanosecondsPerItem = null);

/// <summary>One way to do a comparison's work. Whoever adds one says so in the scenario's own file, beside its rivals.</summary>
internal sealed record Variant(string Name, Func<long, Task<Outcome>> RunAsync)
{
    /// <summary>The name under which the library itself competes.</summary>
    public const string Ours = "sluice";

    public static Variant Of(string name, Func<long, double> run) => new(name, count => Task.FromResult(new Outcome(run(count))));

    public static Variant OfTask(string name, Func<long, Task<double>> run) => new(name, async count => new Outcome(await run(count)));
}

/// <summary>Variants that do the same work, give the same checksum, and are therefore set against each other.</summary>
internal sealed record Comparison(string Name, long Count, long QuickCount, Func<long, double> Expected, IReadOnlyList<Variant> Variants)
{
    /// <summary>Runs this small are repeated until the code has been compiled for good.</summary>
    public long WarmCount { get; init; } = 2_000;

    /// <summary>How many items a run of that count moves; the count itself unless the scenario counts something else.</summary>
    public Func<long, long> Items { get; init; } = static count => count;

    /// <summary>Relative; not zero only where sums of fractions are added up in another order.</summary>
    public double Tolerance { get; init; }
}

/// <summary>A row of the gate table: one comparison, or several that belong together.</summary>
internal sealed record Scenario(string Name, string What, IReadOnlyList<Comparison> Comparisons)
{
    /// <summary>Measures it whole, where it is other programs that run too long for rounds; given whether it is to be quick.</summary>
    public Func<bool, Task<IReadOnlyList<Result>>>? MeasureAsync { get; init; }

    /// <summary>Prints what else there is to say, and tidies up; called when all comparisons are measured.</summary>
    public Action? Finish { get; init; }
}
