using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>
/// A flow with all kinds of processors, for tests with services that die: each resume mode, fan-out, checkpoints, a zip, merges, and a
/// waiting processor. Its outputs are known, except for the order in which streams are merged.
/// </summary>
internal static class CrashFlow
{
    public const string Input = "n";
    private static readonly string[] Merged = ["odds", "square"];

    private static readonly Processor Maker = new("maker") { Inputs = [Input], Outputs = ["x"] };
    private static readonly Processor Odd = new("odd") { Inputs = ["x"], Outputs = ["odds"], Resume = ResumeMode.PerItem };
    private static readonly Processor Squares = new("squares") { Inputs = ["x"], Outputs = ["square"], Resume = ResumeMode.PerItem };
    private static readonly Processor Running = new("running") { Inputs = ["odds"], Outputs = ["sums"], Resume = ResumeMode.Checkpoint };
    private static readonly Processor Joined = new("joined") { Inputs = ["square", "sums"], Outputs = ["pairs"] };
    private static readonly Processor Mixed = new("mixed") { Inputs = Merged, Outputs = ["mix"] };
    private static readonly Processor Blended = new("blended") { Inputs = Merged, Outputs = ["blend"], Resume = ResumeMode.PerItem };
    private static readonly Processor Copied = new("copied") { Inputs = ["mix"], Outputs = ["copy"], Resume = ResumeMode.PerItem };
    private static readonly Processor Total = new("total") { Inputs = ["x"], Outputs = ["total"], Wait = true };

    public static Flow Everything { get; } = Flow.From(Maker, Odd, Squares, Running, Joined, Mixed, Blended, Copied, Total)
        .With("x", new() { MaxItems = 40 }).With("odds", new() { MaxItems = 20 }).Resolve();

    /// <summary>The names of all outputs.</summary>
    public static IReadOnlyList<string> Outputs { get; } = [.. Everything.Processors.SelectMany(processor => processor.Outputs)];

    /// <summary>The outputs of an undisturbed run; for merged streams, one of the possible orders.</summary>
    public static Dictionary<string, List<string>> Expected(int items)
    {
        List<string> odds = [.. Enumerable.Range(0, items).Where(i => i % 2 == 1).Select(i => $"{i}")];
        List<string> squares = [.. Enumerable.Range(0, items).SelectMany(i => new[] { $"{(long)i * i}", $"-{(long)i * i}" }), "end"];
        List<string> sums = [];
        for (long i = 1, sum = 0; i < items; i += 2) sums.Add($"{sum += i}");
        List<string> merged = [.. odds.Select(value => $"odds {value}"), .. squares.Select(value => $"square {value}")];
        return new()
        {
            ["x"] = [.. Enumerable.Range(0, items).Select(i => $"{i}")],
            ["odds"] = odds,
            ["square"] = squares,
            ["sums"] = sums,
            ["pairs"] = [.. squares.Zip(sums, (square, sum) => $"{square}/{sum}")],
            ["mix"] = merged,
            ["blend"] = merged,
            ["copy"] = merged,
            ["total"] = [$"{(long)items * (items - 1) / 2}"],
        };
    }

    /// <summary>
    /// The first promised property in which two runs differ. Promised are: each stream's values and their order; in a merged stream, the
    /// values of each input in their order; and that all readers of a stream read the same.
    /// </summary>
    /// <returns>Null if the runs do not differ.</returns>
    public static string? Difference(IReadOnlyDictionary<string, List<string>> expected, IReadOnlyDictionary<string, List<string>> actual)
    {
        foreach (string name in Outputs.Except(["mix", "blend", "copy"]))
            if (Compare(name, expected[name], actual[name]) is { } difference) return difference;
        foreach (string name in (string[])["mix", "blend"])
            foreach (string part in Merged)
                if (Compare($"{part} in {name}", Part(expected[name], part), Part(actual[name], part)) is { } difference) return difference;
        return Compare("copy", actual["mix"], actual["copy"]);

        static List<string> Part(List<string> values, string part)
            => [.. values.Where(value => value.StartsWith(part, StringComparison.Ordinal))];
    }

    /// <summary>Reads all outputs.</summary>
    public static async Task<Dictionary<string, List<string>>> ReadAsync(FlowRun run, Action<string, int>? read = null,
        CancellationToken cancellation = default)
    {
        List<string>[] all = await Task.WhenAll(Outputs.Select(ReadOneAsync));
        return Outputs.Zip(all).ToDictionary(pair => pair.First, pair => pair.Second);

        async Task<List<string>> ReadOneAsync(string output)
        {
            List<string> values = [];
            await foreach (string value in run.Output<string>(output).StreamAsync(cancellation))
            {
                values.Add(value);
                read?.Invoke(output, values.Count);
            }
            return values;
        }
    }

    /// <summary>Has a service host some of the processors.</summary>
    /// <param name="host">The service.</param>
    /// <param name="hosts">Says by name which processors it hosts.</param>
    /// <param name="carriesOver">Whether a per-item processor breaks its contract: it counts its items in memory.</param>
    public static void Register(Supervisor host, Predicate<string> hosts, bool carriesOver = false)
    {
        Add(Maker, async (IO<int> n, IOWriter<string> x, CancellationToken cancellation) =>
        {
            int count = await n.FirstAsync(cancellation);
            for (int i = 0; i < count; i++) await x.WriteAsync($"{i}", cancellation);
        });
        Add(Odd, async (IO<string> x, IOWriter<string> odds, CancellationToken cancellation) =>
        {
            int found = 0;
            await foreach (string value in x.StreamAsync(cancellation))
                if (int.Parse(value) % 2 == 1) await odds.WriteAsync(carriesOver ? $"{(2 * found++) + 1}" : value, cancellation);
        });
        Add(Squares, SquareAsync);
        Add(Running, async (IO<string> odds, IOWriter<string> sums, Checkpoint<long> sum, CancellationToken cancellation) =>
        {
            long now = sum.Value;
            int count = 0;
            await foreach (string value in odds.StreamAsync(cancellation))
            {
                await sums.WriteAsync($"{now += int.Parse(value)}", cancellation);
                if (++count % 7 == 0) await sum.SaveAsync(now, cancellation);
            }
        });
        Add(Joined, JoinAsync);
        Add(Mixed, async (IO<string> odds, IO<string> square, IOWriter<string> mix, CancellationToken cancellation) =>
        {
            await foreach (var (name, value) in odds.Merge([square], cancellation)) await mix.WriteAsync($"{name} {value}", cancellation);
        });
        Add(Blended, async (IO<string> odds, IO<string> square, IOWriter<string> blend, CancellationToken cancellation) =>
        {
            await foreach (var (name, value) in odds.Merge([square], cancellation)) await blend.WriteAsync($"{name} {value}", cancellation);
        });
        Add(Copied, async (IO<string> mix, IOWriter<string> copy, CancellationToken cancellation) =>
        {
            await foreach (string value in mix.StreamAsync(cancellation)) await copy.WriteAsync(value, cancellation);
        });
        Add(Total, async (IO<string> x, CancellationToken cancellation) =>
        {
            long sum = 0;
            await foreach (string value in x.StreamAsync(cancellation)) sum += int.Parse(value);
            return $"{sum}";
        });

        void Add(Processor processor, Delegate function)
        {
            if (hosts(processor.Name)) host.Register(processor, function);
        }

        static async IAsyncEnumerable<IOVal> SquareAsync(IO<string> x,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (string value in x.StreamAsync(cancellation))
            {
                long square = (long)int.Parse(value) * int.Parse(value);
                yield return IOVal.Of("square", $"{square}");
                yield return IOVal.Of("square", $"-{square}");
            }
            yield return IOVal.Of("square", "end");          // after the last item: part of the commit that ends the stream
        }

        static async IAsyncEnumerable<IOVal> JoinAsync(IO<string> square, IO<string> sums,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var (first, second) in square.Zip(sums, cancellation: cancellation)) yield return IOVal.Of("pairs",
                $"{first}/{second}");
        }
    }

    private static string? Compare(string stream, List<string> expected, List<string> actual)
    {
        int same = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        if (same == expected.Count && same == actual.Count) return null;
        return $"{stream}: of {expected.Count} values there are {actual.Count}; they differ from the one with the index {same} "
            + $"on: {At(actual)} in the place of {At(expected)}";

        string At(List<string> values) => same < values.Count ? $"\"{values[same]}\"" : "nothing";
    }
}
