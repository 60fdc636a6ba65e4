using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines.Nodes;

/// <summary>The types of keys of a KeyBy in front of a node that keeps its state under their text.</summary>
public class KeyTypeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AKeyWithoutATextIsRefusedBeforeTheFirstItem()
    {
        await RefusedAsync(static n => new CustomerId($"{n}"), "CustomerId");
        await RefusedAsync(static n => new CustomerName($"{n}"), "CustomerName");
        await RefusedAsync(static n => (double)n, "double");
        await RefusedAsync(static n => (double?)n, "double?");
        await RefusedAsync(static n => new Uri($"x:{n}"), "Uri");
        await RefusedAsync(static n => new[] { (byte)n }, "byte[]");
        await RefusedAsync(static n => ("a", new CustomerId($"{n}")), "(string, CustomerId)");
        await RefusedAsync(static n => Tuple.Create(n, 1.0), "Tuple<int, double>");
    }

    [Fact]
    public async Task AKeyWithATextIsTaken()
    {
        await TakenAsync(static n => $"{n}");
        await TakenAsync(static n => n);
        await TakenAsync(static n => (int?)n);
        await TakenAsync(static n => (Int128)n);
        await TakenAsync(static n => (decimal)n);
        await TakenAsync(static n => n > 0);
        await TakenAsync(static n => (char)n);
        await TakenAsync(static n => (DayOfWeek)n);
        await TakenAsync(static n => new Guid(n, 0, 0, new byte[8]));
        await TakenAsync(static n => new DateTime(n));
        await TakenAsync(static n => new DateTimeOffset(n, TimeSpan.Zero));
        await TakenAsync(static n => DateOnly.FromDayNumber(n));
        await TakenAsync(static n => new TimeOnly(n));
        await TakenAsync(static n => new TimeSpan(n));
        await TakenAsync(static n => (n, ("b", (long?)n)));
        await TakenAsync(static n => Tuple.Create(n, "b"));
        await TakenAsync<object>(static n => n);
        await TakenAsync<IComparable>(static n => n);
    }

    /// <summary>Operators compare the keys themselves in a run without a store, and store the text in a consecutor.</summary>
    [Fact]
    public async Task AScanTakesAnyKeyWhereNothingIsStored()
    {
        List<int> sums = [];
        await Scanned(Source.From([1, 2, 1])).ForEach(sums.Add).RunAsync(cancellation: Cancellation);
        Assert.Equal([1, 2, 2], sums.Order());
        Assert.Contains("State cannot be kept by a CustomerId", Assert.Throws<InvalidTopologyException>(
            static () => new Consecutor<int>("scans", static source => Scanned(source).ForEach(static _ => { }))).Message,
                StringComparison.Ordinal);

        static Source<int> Scanned(Source<int> source) => (source | Stage.KeyBy(static (int n) => new CustomerId($"{n}")))
            .Scan(0, static (sum, n) => sum + n) | Stage.Named("sum");
    }

    private static async Task RefusedAsync<TKey>(Func<int, TKey> key, string type)
    {
        string why = $"State cannot be kept by a {type}: ";
        Assert.Contains(why, Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("totals",
            source => Body(source, key))).Message, StringComparison.Ordinal);
        Pipeline pipeline = Body(Source.From([1]), key);
        InvalidTopologyException failure = await Assert.ThrowsAsync<InvalidTopologyException>(
            async () => await pipeline.RunAsync(cancellation: Cancellation));
        Assert.StartsWith("'total' keeps state by the key of Stage.KeyBy. " + why, failure.Message, StringComparison.Ordinal);
    }

    private static Task<RunSnapshot> TakenAsync<TKey>(Func<int, TKey> key)
        => Body(Source.From([1, 2]), key).RunAsync(cancellation: Cancellation);

    private static Pipeline Body<TKey>(Source<int> source, Func<int, TKey> key)
        => source | Stage.KeyBy(key) | StageNode.Of(static () => new Total()) | Stage.Named("total") | (static _ => { });

    private readonly record struct CustomerId(string Value);

    private sealed record CustomerName(string Value);

    private sealed class Total : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }
}
