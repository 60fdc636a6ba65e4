namespace Sluice.Sqlite.Tests;

/// <summary>A store in a file, with tables of the test's own.</summary>
public abstract class TransactionTestBase : IAsyncLifetime
{
    private readonly TempDirectory directory = new();
    private SqliteStreamStore? opened;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected SqliteStreamStore Store => opened!;

    /// <summary>The statements that make the tables.</summary>
    private protected abstract SqliteWrites Tables { get; }

    /// <summary>A machine on which a thread stands still for a while is to fail no function.</summary>
    private protected virtual TimeSpan MaxFunctionTime => TimeSpan.FromMinutes(1);

    public async ValueTask InitializeAsync()
    {
        opened = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process,
            new() { MaxFunctionTime = MaxFunctionTime }, Cancellation);
        await Store.ExecuteAsync(Tables, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        directory.Dispose();
        GC.SuppressFinalize(this);
    }
}
