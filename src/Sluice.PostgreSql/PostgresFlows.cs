using Sluice.Flows;
using Sluice.Hosting;

namespace Sluice.PostgreSql;

/// <summary>Configures a store in PostgreSQL, which many services share.</summary>
public static class PostgresFlows
{
    /// <summary>Uses a store in a PostgreSQL database. The service connects when it starts.</summary>
    /// <param name="options">The options of the service.</param>
    /// <param name="connection">
    /// The connection string; for example <c>Host=localhost;Database=shop;Username=app;Password=…</c>
    /// (<see cref="PostgresStreamStore.OpenAsync(string, PostgresStoreOptions, CancellationToken)"/>).
    /// </param>
    /// <param name="store">The options of the store.</param>
    /// <exception cref="ArgumentException">The connection string or an option is invalid.</exception>
    public static SluiceOptions UsePostgres(this SluiceOptions options, string connection, PostgresStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        store ??= new();
        store.Check();                               // reports an error here, not when the service starts
        (string text, PostgresStoreOptions full) = DataSources.Divide(connection, store);
        return options.UseStore(async cancellation => await PostgresStreamStore.OpenAsync(connection,
            store with { OnWarning = store.OnWarning ?? options.OnWarning }, cancellation).ConfigureAwait(false),
            $"postgres:{StorePlace.Of(text, full.Schema)}");
    }
}
