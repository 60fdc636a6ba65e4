using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// State of a consecutor in a store file that is opened again: joins, event-time windows, aggregates, and the end of the input.
/// </summary>
public sealed class StateInFileTests : IDisposable
{
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task HeldStateIsEmittedOnceWhenTheInputIsComplete()
    {
        List<string> seen = [];
        for (int life = 0; life < 10; life++)
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
            await using Consecutor<int> consecutor = Make(store, seen);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([life, 100 + life], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.True(await consecutor.StopAsync());
            Assert.Empty(seen);
        }
        for (int life = 0; life < 3; life++)
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
            await using Consecutor<int> consecutor = Make(store, seen);
            await consecutor.StartAsync(Cancellation);
            await consecutor.CompleteAsync(Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal(["1090 in 10 pairs, 7 windows"], seen);
        }
        await using SqliteStreamStore last = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
        Assert.Empty((await last.CheckAsync(Cancellation)).Problems);
    }

    private static Consecutor<int> Make(IStreamStore store, List<string> seen)
    {
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n % 100))
        {
            MaxOutOfOrderness =
            TimeSpan.FromMinutes(1)
        };
        return new("numbers", source =>
        {
            Source<int> pairs = source.Join(left => left.Where(static n => n < 100), right => right.Where(static n => n >= 100),
                static n => n, static n => n - 100, static (left, right) => left + right)
                | Stage.Named("pairs");
            Source<Window<int>> windows = pairs.Window(time, TimeSpan.FromSeconds(3)) | Stage.Named("windows");
            return windows.Aggregate((Sum: 0, Pairs: 0, Windows: 0),
                static (all, window) => (all.Sum + window.Items.Sum(), all.Pairs + window.Items.Count, all.Windows + 1),
                static all => $"{all.Sum} in {all.Pairs} pairs, {all.Windows} windows") | Stage.Named("all") | seen.Add;
        }, new() { Store = store, Process = new() });
    }
}
