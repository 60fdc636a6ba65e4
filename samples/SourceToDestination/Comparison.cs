using Sluice;
using Sluice.Graphs;

namespace SourceToDestination;

/// <summary>The flow: two sources side by side, what differs between them, and two destinations.</summary>
internal static class Comparison
{
    public static DataFlow Flow { get; } = DataFlow.From(Source, Target) | Compare | (LoggerAsync, Notify);

    // Synchronous, as SQLite is: on worker threads, so the two tables are read at the same time.
    private static IReadOnlyDictionary<long, Order> Source(string file, string sourceTable) => Tables.Read(file, sourceTable);

    private static IReadOnlyDictionary<long, Order> Target(string file, string targetTable) => Tables.Read(file, targetTable);

    private static Differences Compare(IReadOnlyDictionary<long, Order> source, IReadOnlyDictionary<long, Order> target)
        => new(
            [.. source.Keys.Where(id => !target.ContainsKey(id))],
            [.. source.Values.Where(order => target.TryGetValue(order.Id, out Order? other) && other != order).Select(order => order.Id)],
            [.. target.Keys.Where(id => !source.ContainsKey(id))]);

    private static async Task LoggerAsync(TextWriter log, long[] missing, long[] changed, long[] added, CancellationToken cancellation)
    {
        foreach (var (what, ids) in new[] { ("missing", missing), ("changed", changed), ("added", added) })
            foreach (long id in ids) await log.WriteLineAsync($"{what} {id}".AsMemory(), cancellation);
    }

    private static string Notify(long[] missing, long[] changed, long[] added)
        => missing.Length + changed.Length + added.Length == 0 ? "The tables are equal."
        : $"{missing.Length} missing, {changed.Length} changed, {added.Length} added";
}

/// <summary>By id. Its members are the names that later functions take.</summary>
internal sealed record Differences(long[] Missing, long[] Changed, long[] Added);
