using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A window is over while a round reads what it is to end.</summary>
public sealed class EndBesideWindowsTests
{
    private const int Keys = 20;

    private readonly TestClock clock = new();
    private readonly ConcurrentBag<int> seen = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The items of the window read their rows on a thread of their own, and the end read the same rows into the same cells: the
    /// window failed, because a row was already there.</remarks>
    [Fact]
    public async Task TheWindowComesOutInARoundOfItsOwn()
    {
        await using var store = new TightStore(await ScenarioStore.OpenAsync(clock), clock);
        await using Consecutor<int> numbers = new("numbers",
            source => ((source | StageNode.Of(() => new First(store)) | Stage.Named("first")).Window(TimeSpan.FromSeconds(3))
                | Stage.Named("window")).SelectMany(static (Window<int> window) => window.Items)
                | Stage.KeyBy(static (int n) => $"{n}", lanes: 1) | StageNode.Of(static () => new CountByKey<int>()) | Stage.Named("second")
                | (_ => seen.Add(0)),
            new()
            {
                Store = store,
                Process = new(),
                Stream = new() { Partitions = 1 },
                Delivery = DeliveryGuarantee.Replay(0),
                OnWarning = static _ => { },
                Run = new() { Time = clock }
            })
        { Key = static n => $"{n}" };
        await numbers.StartAsync(Cancellation);
        // Twice, so that the second node has rows of all keys, and a window is open.
        await numbers.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
        while (seen.Count < Keys)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        await numbers.WaitForIdleAsync(Cancellation);
        await numbers.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        store.IsArmed = true;
        await numbers.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((true, 0L, 0L, 2 * Keys), (store.HasPassed, end.Dead, end.Unaccounted, seen.Count));
    }

    private sealed class First(TightStore store) : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }

        protected override ValueTask EndKeyAsync(Output<int> output, CancellationToken cancellation)
        {
            store.AreRowsHere.TrySetResult();
            return default;
        }
    }

    /// <summary>The window is over once the end has begun, and its first item gets its row behind the rows of the end.</summary>
    private sealed class TightStore(IStreamStore inner, TestClock clock) : StreamStoreWrapper(inner)
    {
        private int passes;
        private volatile bool hasBegun;

        public volatile bool IsArmed;

        public bool HasPassed => passes > 0;

        public TaskCompletionSource AreRowsHere { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node,
            string? after = null, int max = 1000, CancellationToken cancellation = default)
        {
            if (IsArmed && node == "window" && Interlocked.Exchange(ref passes, 1) == 0) clock.Advance(TimeSpan.FromSeconds(3));
            // The page of keys that end. The window gets its time to begin.
            if (HasPassed && node == "first")
                for (int i = 0; i < 1_000 && !hasBegun; i++) await Member.NextAsync();
            return await base.ListStateAsync(group, partition, node, after, max, cancellation);
        }

        public override async ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            if (HasPassed && node == "second" && keys.Count == 1)
            {
                hasBegun = true;
                await AreRowsHere.Task.WaitAsync(cancellation);
            }
            return await base.ReadStateAsync(group, partition, node, keys, cancellation);
        }
    }
}
