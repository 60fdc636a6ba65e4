using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>User code that sees the outputs of a stage and throws: the accepted item has failed there, and the others go on.</summary>
public class OutputCallbackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly Func<Source<int>, Source<int>>[] Bodies =
    [
        static source => source | Three,
        static source => source | ThreeAsync,
        static source => source | Three | Stage.Retry(1),
        static source => source | StageNode.Of(static () => new Tripling()),
        static source => source | (static n => n * 10),
        static source => source | (static n => n * 10) | Stage.Parallel(2),
        static source => source.Scan(0, static (_, n) => n * 10) | Stage.Named("last"),
    ];

    /// <remarks>Regression: the item never ended, and no stop of the consecutor did.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task AnItemWhoseOutputCannotBeLoggedIsADeadLetterAsItCame(int body)
    {
        var written = new ConcurrentQueue<int>();
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => Bodies[body](source) | Stage.Log(static entry =>
        {
            if (entry is { IsOutput: true, Item: 20 }) throw new FormatException("no text");
        }) | written.Enqueue, new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((2, false), ((int)letter.Item!, letter.EntersAtNode));
        Assert.EndsWith("no text", letter.Error.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal([10, 30], written.Where(static n => n % 10 == 0).Distinct().Order());
        await work.StopAsync(cancellation: Cancellation);
    }

    /// <remarks>Regression: the consecutor ended.</remarks>
    [Fact]
    public async Task AnOutputOfSeveralItemsThatCannotBeLoggedFailsByItself()
    {
        var written = new ConcurrentQueue<int>();
        int told = 0;
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source.Chunk(2) | Stage.Named("pairs") | Stage.Log(entry =>
        {
            if (entry is { IsOutput: true } && Interlocked.Increment(ref told) == 1) throw new FormatException("no text");
        }) | (static pair => pair.Sum()) | written.Enqueue,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3, 4], Cancellation);
        await Member.UntilAsync(() => written.Count == 2);
        Assert.Equal([3, 7], written.Order());
        await work.StopAsync(cancellation: Cancellation);
    }

    /// <remarks>Regression: the failure of the sink's scope took the place of the item's own, and ended the consecutor.</remarks>
    [Theory]
    [InlineData("suspend")]
    [InlineData("continue")]
    [InlineData("dispose")]
    public async Task AScopeThatFailsDoesNotEndTheConsecutor(string at)
    {
        var written = new ConcurrentQueue<int>();
        var warnings = new ConcurrentQueue<string>();
        int begun = 0;
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source | Three | written.Enqueue, new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Stream = new() { Partitions = 1 },
            OnWarning = warnings.Enqueue,
            Run = new() { BeginItem = item => item.Node == "Three" && Interlocked.Increment(ref begun) == 2 ? new Scope(at) : null }
        });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal(at == "suspend" ? (2, 1) : (3, 0), (end.Completed, end.Dead));
        Assert.Equal(at == "suspend" ? 6 : 9, written.Count);
        if (at != "suspend")
            Assert.Single(warnings, text => text.Contains($"could not be suspended, continued or ended: FormatException: {at}"));
        await work.StopAsync(cancellation: Cancellation);
    }

    private sealed class Scope(string at) : ItemScope
    {
        public override void Suspend() => ThrowAt("suspend");

        public override void Continue() => ThrowAt("continue");

        public override void Dispose() => ThrowAt("dispose");

        private void ThrowAt(string place)
        {
            if (place == at) throw new FormatException(place);
        }
    }

    private static IEnumerable<int> Three(int n) => [n * 10, (n * 10) + 1, (n * 10) + 2];

    private static async IAsyncEnumerable<int> ThreeAsync(int n)
    {
        foreach (int part in Three(n))
        {
            await Task.Yield();
            yield return part;
        }
    }

    private sealed class Tripling : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            foreach (int part in Three(item)) await output.PushAsync(part);
        }
    }
}
