using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>Bisection of failing lists over a file store, while the process dies again and again.</summary>
public sealed class BisectInFileTests : IDisposable
{
    private const int Items = 200;
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task BisectionInAFileFindsExactlyTheBadItemsDespiteCrashes()
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await using Consecutor<int> consecutor = Make(store);
            await consecutor.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation);
        }
        int lives = 1;
        while (!await LiveAsync(transactions: 10 + (lives * 7 % 11))) Assert.InRange(++lives, 1, 200);

        Assert.InRange(lives, 5, 200);
        await using SqliteStreamStore last = await OpenAsync();
        IPayloadSerializer<int[]> lists = PayloadSerializers.Json.For<int[]>();
        IReadOnlyList<StoredDeadLetter> letters = await last.ListDeadAsync(new("numbers", "numbers"), cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(0, Items).Where(IsBad),
            letters.Select(letter => Assert.Single(lists.Deserialize(letter.Entry.Payload.Span))).Order());
        string? seen = null;
        await last.WithDatabaseAsync(database => seen = database.Ask("SELECT group_concat(n) FROM (SELECT n FROM seen ORDER BY n)"));
        Assert.Equal(string.Join(',', Enumerable.Range(0, Items).Where(n => !IsBad(n))), seen);
        Assert.Empty((await last.CheckAsync(Cancellation)).Problems);
    }

    // True if all items have ended. Otherwise the process died at the end of the given transaction.
    private async Task<bool> LiveAsync(int transactions)
    {
        SqliteStreamStore store = await OpenAsync();
        var (reached, going) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource());
        store.Probe = hasEnded =>
        {
            if (hasEnded || --transactions != 0) return;
            reached.SetResult();
            going.Task.Wait();
        };
        Consecutor<int> consecutor = Make(store);
        Task work = WorkAsync();
        bool hasEnded = await Task.WhenAny(work, reached.Task) == work && !reached.Task.IsCompleted;
        if (hasEnded) await work;
        Task abandoning = hasEnded ? store.DisposeAsync().AsTask() : store.AbandonAsync().AsTask();
        going.TrySetResult();
        await abandoning;
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await consecutor.DisposeAsync();
        return hasEnded;

        async Task WorkAsync()
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.CompleteAsync(Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    private ValueTask<SqliteStreamStore> OpenAsync()
        => SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process, new() { RecentBlocks = 2 });

    private static Consecutor<int> Make(IStreamStore store)
        => new("numbers", source => source.Chunk(32) | Stage.Named("chunks") | (static chunk => chunk.ToArray()) | Write
        | Stage.Named("write").Bisect
        | (static IEnumerable<int> (list) => list) | SqliteSink.InStore<int>("INSERT INTO seen VALUES(?1)", static n => [n],
        "CREATE TABLE IF NOT EXISTS seen(n INTEGER NOT NULL)"),
        new() { Store = store, Delivery = DeliveryGuarantee.Replay(8, Backoff.None), Process = new() });

    private static int[] Write(int[] list) => Array.Exists(list, IsBad) ? throw new InvalidOperationException("a bad one") : list;

    private static bool IsBad(int n) => n % 23 == 5;
}
