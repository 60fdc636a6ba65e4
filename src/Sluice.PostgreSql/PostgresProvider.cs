using Sluice.PostgreSql;

[assembly: StreamStoreProvider("postgres", typeof(PostgresProvider))]

namespace Sluice.PostgreSql;

/// <summary>Opens <c>postgres:Host=…;Database=…;Username=…;Password=…;Schema=…</c>.</summary>
internal sealed class PostgresProvider : StreamStoreProvider
{
    public override async ValueTask<IStreamStore> OpenAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, create: true, cancellation).ConfigureAwait(false);

    /// <summary>Only a service creates tables: who looks at a store, or has misspelt its name, makes none.</summary>
    public override async ValueTask<IStreamStore> OpenReadOnlyAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, create: false, cancellation).ConfigureAwait(false);

    public override async ValueTask<IStreamStore> OpenToChangeAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, create: false, cancellation).ConfigureAwait(false);

    public override string WithoutSecrets(string location)
    {
        (string connection, PostgresStoreOptions options) = DataSources.Divide(location, new());
        return StorePlace.Of(connection, options.Schema).ToString();
    }

    private async ValueTask<IStreamStore> OpenAsync(string location, bool create, CancellationToken cancellation)
    {
        (string connection, PostgresStoreOptions options) = DataSources.Divide(location,
            new() { OnWarning = OnWarning, AutoCreate = create });
        return await PostgresStreamStore.OpenAsync(connection, options, cancellation).ConfigureAwait(false);
    }
}
