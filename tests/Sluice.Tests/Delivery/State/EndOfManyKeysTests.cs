using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The end of the input for many keys reads each row a few times, not the rows of all keys for each commit.</summary>
public sealed class EndOfManyKeysTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public enum Ending
    {
        Aggregate,
        Chained,
        Timed,
    }

    [Theory]
    [InlineData(Ending.Aggregate, 1)]
    [InlineData(Ending.Chained, 2)]                  // both nodes
    [InlineData(Ending.Timed, 3)]                    // state, timers by key, timers by time
    public async Task EachRowIsReadAboutOnce(Ending ending, int rows)
    {
        const int Keys = 3_000;
        await using var store = new CountingStore(await ScenarioStore.OpenAsync());
        int ended = 0;
        await using Consecutor<int> consecutor = new("numbers",
            source => Chain(source, ending) | (_ => { Interlocked.Increment(ref ended); }),
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 } })
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.Clear();
        await consecutor.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((Keys, 0L, 0L), (ended, end.Dead, end.Unaccounted));
        Assert.InRange(store.Rows, Keys, (rows * Keys) + 1_000);
        Assert.InRange(store.Calls, 1, Keys / 50 * 6);
    }

    private static Source<string> Chain(Source<int> source, Ending ending) => ending switch
    {
        Ending.Aggregate => (source | Stage.KeyBy(static (int n) => n, lanes: 2)).Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sum")
            | (static n => $"{n}"),
        Ending.Chained => source | StageNode.Of(static () => new Total()) | Stage.Named("total")
            | Stage.KeyBy(static (string text) => text.Split('=')[0], lanes: 2) | StageNode.Of(static () => new CountByKey<string>())
            | Stage.Named("count"),
        _ => source | StageNode.Of(static () => new Silent()) | Stage.Named("silent"),
    };

    private sealed class Total : StatefulStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State += item;
            return default;
        }

        protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation) => output.PushAsync($"{Key}={State}");
    }

    private sealed class Silent : TimedStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State = item;
            Timers.Set(TimeSpan.FromHours(1));
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation) => default;

        protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation) => output.PushAsync($"{Key}={State}");
    }

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int calls, rows;

        /// <summary>The calls that read state.</summary>
        public int Calls => Volatile.Read(ref calls);

        public int Rows => Volatile.Read(ref rows);

        public void Clear() => (calls, rows) = (0, 0);

        public override async ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            IReadOnlyList<StateRow> read = await base.ReadStateAsync(group, partition, node, keys, cancellation);
            Count(read);
            return read;
        }

        public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node,
            string? after = null, int max = 1000, CancellationToken cancellation = default)
        {
            IReadOnlyList<StateRow> page = await base.ListStateAsync(group, partition, node, after, max, cancellation);
            Count(page);
            return page;
        }

        private void Count(IReadOnlyList<StateRow> read)
        {
            Interlocked.Increment(ref calls);
            Interlocked.Add(ref rows, read.Count);
        }
    }
}
