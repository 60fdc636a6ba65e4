using Sluice.Sqlite;

[assembly: StreamStoreProvider("sqlite", typeof(SqliteProvider))]

namespace Sluice.Sqlite;

/// <summary>Opens <c>sqlite:FILE</c>, durable against a power failure. The file is created if it does not exist.</summary>
internal sealed class SqliteProvider : StreamStoreProvider
{
    public override async ValueTask<IStreamStore> OpenAsync(string location, CancellationToken cancellation = default)
        => await SqliteStreamStore.OpenAsync(location, Durability.Power, null, cancellation).ConfigureAwait(false);

    public override ValueTask<IStreamStore> OpenReadOnlyAsync(string location, CancellationToken cancellation = default)
        => SqliteStreamStore.OpenReadOnlyAsync(location, null, cancellation);

    public override ValueTask<IStreamStore> OpenToChangeAsync(string location, CancellationToken cancellation = default)
        => SqliteStreamStore.OpenToChangeAsync(location, null, cancellation);
}
