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

    public async ValueTask InitializeAsync()
    {
        opened = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process, cancellation: Cancellation);
        await Store.ExecuteAsync(Tables, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        directory.Dispose();
        GC.SuppressFinalize(this);
    }
}
