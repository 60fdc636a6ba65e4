using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A sink rejects one item of a commit: the item is retried and becomes a dead letter with the reason, and the others are
/// committed. After any other failure, the commit is repeated until the sink succeeds.</summary>
public class RejectedItemTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("plain", true)]
    [InlineData("plain", false)]
    [InlineData("with keys", true)]
    [InlineData("with keys", false)]
    [InlineData("with state", true)]
    [InlineData("with state", false)]
    public async Task ARejectedItemIsDeadLetteredAndTheOthersAreCommittedOnce(string shape, bool saysWhich)
    {
        const int Items = 200;
        await using var store = new MemoryStreamStore();
        var table = new Table { SaysWhich = saysWhich };
        await using var consecutor = new Consecutor<int>("work",
            source => (shape == "with state" ? source.Scan((Sum: 0L, N: 0), static (all, n) => (all.Sum + n, n)) | Stage.Named("sum")
                | (static all => all.N) : source) | (Sink.Commit(() => new Rows(table)) | Stage.Named("table")),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Stream = new() { Partitions = 1 }
            })
        { Key = shape == "with keys" ? static n => $"{n % 5}" : null };
        await consecutor.SendAllAsync([.. Enumerable.Range(1, Items)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        int[] bad = [.. Enumerable.Range(1, Items).Where(Table.Refuses)];
        Assert.Equal((Items - bad.Length, (long)bad.Length, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        Assert.Equal(Enumerable.Range(1, Items).Except(bad), table.Committed.Order());
        DeadLetter[] letters = await consecutor.ListDeadLettersAsync(Cancellation).ToArrayAsync(Cancellation);
        Assert.Equal(bad, letters.Select(static letter => (int)letter.Item!).Order());
        Assert.All(letters, static letter => Assert.Equal(("table", 2, $"ItemRejectedException: {letter.Item} is refused."),
            (letter.Node, letter.Attempts, letter.Error)));
        Assert.True(table.Others > 0, "No failure of the connection was met.");
    }

    /// <summary>A chunk is an item of its own: if a sink rejects it, it becomes a dead letter alone, and its items stay settled.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARejectedChunkIsDeadLetteredAndTheOtherChunksAreCommitted(bool saysWhich)
    {
        await using var store = new MemoryStreamStore();
        var table = new Table { SaysWhich = saysWhich };
        await using var consecutor = new Consecutor<int>("work",
            source => source.Chunk(4) | Stage.Named("some") | (static some => some.Sum())
                | (Sink.Commit(() => new Rows(table)) | Stage.Named("table")),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Stream = new() { Partitions = 1 }
            });
        await consecutor.SendAllAsync([.. Enumerable.Range(1, 160)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        int[] sums = [.. Enumerable.Range(1, 160).Chunk(4).Select(static some => some.Sum())];
        Assert.Contains(sums, Table.Refuses);
        Assert.Equal((sums.Count(Table.Refuses), 0L), ((int)end.Dead, end.Unaccounted));
        Assert.Equal(sums.Where(static sum => !Table.Refuses(sum)), table.Committed.Order());
        Assert.All(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation),
            static letter => Assert.IsType<int[]>(letter.Item));
    }

    private sealed class Table
    {
        public bool SaysWhich { get; init; }

        public List<int> Committed { get; } = [];

        public int Others { get; set; }

        public static bool Refuses(int n) => n % 37 == 5 || n == 90;
    }

    private sealed class Rows(Table table) : TransactionalSink<int>
    {
        private List<int> prepared = [];
        private int calls;

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            Assert.Empty(prepared);
            if (++calls == 2)
            {
                table.Others++;
                throw new IOException("The connection is gone.");
            }
            for (int i = 0; i < commit.Items.Count; i++)
            {
                if (Table.Refuses(commit.Items[i].Value))
                    throw new ItemRejectedException($"{commit.Items[i].Value} is refused.") { Item = table.SaysWhich ? i : null };
            }
            prepared = [.. commit.Items.Select(static item => item.Value)];
            return default;
        }

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            table.Committed.AddRange(prepared);
            prepared = [];
            return default;
        }

        protected override ValueTask VoidedAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            prepared = [];
            return default;
        }
    }
}
