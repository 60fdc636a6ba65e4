using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>Readers expire by the store's clock, although their expiry is kept in memory only.</summary>
public sealed class ReaderExpiryTests : IDisposable
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    private readonly TempDirectory directory = new();
    private readonly TestClock clock = new();

    /// <summary>The session keeps at most 2,000 streams in memory, and forgets them all if there are more.</summary>
    [Fact]
    public async Task AReaderExpiresAlthoughItsStreamIsForgottenAndLoadedAgain()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await LookAtManyAsync(store);
        for (int i = 0; i < 3; i++)
        {
            clock.Advance(Idle / 4);
            Assert.Single((await store.FindStreamAsync("results"))!.Readers);
            await LookAtManyAsync(store);
            await store.OpenStreamAsync($"other-{i}");                  // a transaction, after which the streams are forgotten
        }
        clock.Advance(Idle / 4);
        Assert.Empty((await store.FindStreamAsync("results"))!.Readers);
    }

    [Fact]
    public async Task AReaderExpiresAlthoughATransactionFailed()
    {
        await using SqliteStreamStore store = await OpenAsync();
        for (int i = 0; i < 3; i++)
        {
            clock.Advance(Idle / 4);
            store.Probe = hasEnded =>
            {
                if (!hasEnded) throw new InvalidOperationException("The disk is full.");
            };
            await Assert.ThrowsAnyAsync<Exception>(() => store.OpenStreamAsync("other").AsTask());
            store.Probe = null;
        }
        clock.Advance(Idle / 4);
        Assert.Empty((await store.FindStreamAsync("results"))!.Readers);
    }

    [Fact]
    public async Task AReaderThatIsUsedDoesNotExpire()
    {
        await using SqliteStreamStore store = await OpenAsync();
        for (int i = 0; i < 4; i++)
        {
            clock.Advance(Idle * 0.9);
            await store.ReadAsync(new("results", 0, 1) { Reader = "program" });
        }
        Assert.Single((await store.FindStreamAsync("results"))!.Readers);
    }

    private async Task<SqliteStreamStore> OpenAsync()
    {
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process, new() { Time = clock });
        await store.OpenStreamAsync("results");
        await store.OpenReaderAsync("results", "program", new() { IdleTimeout = Idle });
        return store;
    }

    private static async Task LookAtManyAsync(SqliteStreamStore store)
    {
        if (await store.FindStreamAsync("many-0") is null)
            for (int i = 0; i < 2_001; i++) await store.OpenStreamAsync($"many-{i}");
        for (int i = 0; i < 2_001; i++) await store.FindStreamAsync($"many-{i}");
    }

    public void Dispose() => directory.Dispose();
}
