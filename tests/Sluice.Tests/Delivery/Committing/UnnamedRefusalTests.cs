using System.Collections.Concurrent;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A store refuses a part of a commit and does not say which item it is of: the item is found, and becomes a dead
/// letter.</summary>
public class UnnamedRefusalTests
{
    private const int Items = 20, Bad = 13, MaxBytes = 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended.</remarks>
    [Theory]
    [InlineData("itemOf throws", false)]
    [InlineData("itemOf throws", true)]
    [InlineData("another attachment", false)]
    [InlineData("another attachment", true)]
    [InlineData("no attachment", false)]
    public async Task ARefusedRowOfAnUnknownItemIsFound(string way, bool hasState)
    {
        await using var memory = new MemoryStreamStore();
        var store = new TableStore(memory, way);
        var warnings = new ConcurrentQueue<string>();
        await using Consecutor<int> work = New(store, hasState, warnings, commit => commit.Attach(
            new Rows([.. commit.Items.Select(static item => item.Value)]),
            way == "itemOf throws" ? static _ => throw new KeyNotFoundException("There is no such row.") : null));
        await HasOneLetterAsync(work, "ItemRejectedException: 13 is refused.");
        Assert.Equal(Enumerable.Range(0, Items).Where(static n => n != Bad), store.Table.Order());
        if (way == "itemOf throws") Assert.Single(warnings, static text
            => text.StartsWith("The sink table does not say which item the part", StringComparison.Ordinal));
    }

    /// <remarks>Regression: the commit was sent again for ever, and no other partition was committed.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnEntryThatIsTooLongForAnotherStreamIsADeadLetter(bool hasState)
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("archive", new() { MaxEntryBytes = MaxBytes }, Cancellation);
        await using Consecutor<int> work = New(store, hasState, [], static commit =>
        {
            var entries = new EntryBatch();
            foreach (StagedItem<int> item in commit.Items)
                entries.Add(Encoding.UTF8.GetBytes(new string('x', item.Value == Bad ? 2 * MaxBytes : 1)), default, default);
            commit.Append(new("archive", entries));
        });
        await HasOneLetterAsync(work, "PayloadException: An entry for the stream archive has ");
        Assert.Equal(Items - 1, (await store.FindStreamAsync("archive", Cancellation))!.Items);
    }

    /// <summary>Also of an item that is too large for one commit, behind thousands of entries that the stream takes.</summary>
    /// <remarks>Formerly these were published with each attempt of the item, and the item's state was changed with each.</remarks>
    [Fact]
    public async Task NothingOfALargeItemIsPublishedIfAnEntryIsTooLong()
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("archive", new() { MaxEntryBytes = MaxBytes }, Cancellation);
        await using Consecutor<int> work = New(store, hasState: true, [], static commit =>
        {
            var entries = new EntryBatch();
            foreach (StagedItem<int> item in commit.Items)
                for (int n = 0; n < (item.Value == Bad ? 3_000 : 1); n++)
                    entries.Add(Encoding.UTF8.GetBytes(new string('x', n == 2_999 ? 2 * MaxBytes : 1)), default, default);
            commit.Append(new("archive", entries));
        });
        await HasOneLetterAsync(work, "PayloadException: An entry for the stream archive has ");
        Assert.Equal(Items - 1, (await store.FindStreamAsync("archive", Cancellation))!.Items);
    }

    private static async Task HasOneLetterAsync(Consecutor<int> work, string error)
    {
        await work.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((Items - 1L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((Bad, "table"), ((int)letter.Item!, letter.Node));
        Assert.StartsWith(error, letter.Error, StringComparison.Ordinal);
    }

    private static Consecutor<int> New(IStreamStore store, bool hasState, ConcurrentQueue<string> warnings, Action<SinkCommit<int>> prepare)
        => new("work", source => (hasState ? source.Scan((Sum: 0L, N: 0), static (all, n) => (all.Sum + n, n)) | Stage.Named("sum")
            | (static all => all.N) : source) | (Sink.Commit(() => new Preparing(prepare)) | Stage.Named("table")),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Stream = new() { Partitions = 1 },
                OnWarning = warnings.Enqueue,
            });

    private sealed record Rows(int[] Values) : ICommitAttachment
    {
        public string WrittenBy => "a store with a table";
    }

    /// <summary>A store that writes rows in its transaction, and refuses one row.</summary>
    private sealed class TableStore(IStreamStore inner, string way) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public ConcurrentQueue<int> Table { get; } = [];

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            Rows[] all = [.. commit.Attachments.Cast<Rows>()];
            foreach (Rows rows in all)
                if (Array.IndexOf(rows.Values, Bad) is >= 0 and var at) throw new ItemRejectedException($"{Bad} is refused.")
                {
                    Item = at,
                    Attachment = way switch { "another attachment" => new Rows([]), "no attachment" => null, _ => rows }
                };
            CommitResult result = await base.CommitAsync(commit with { Attachments = [] }, cancellation);
            if (result.Status == CommitStatus.Committed)
                foreach (int value in all.SelectMany(static rows => rows.Values)) Table.Enqueue(value);
            return result;
        }
    }

    private sealed class Preparing(Action<SinkCommit<int>> prepare) : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            prepare(commit);
            return default;
        }
    }
}
