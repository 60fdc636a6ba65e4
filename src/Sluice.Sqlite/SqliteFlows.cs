namespace Sluice.Sqlite;

/// <summary>The SQLite store for services in a container.</summary>
public static class SqliteFlows
{
    /// <summary>Uses a store in a file: for all services of one process.</summary>
    /// <param name="options">What is configured.</param>
    /// <param name="path">The file; made if it is not there. One process can have it open.</param>
    /// <param name="durability"><see cref="Durability.Process"/> or <see cref="Durability.Power"/>, which it is unless given.</param>
    /// <param name="store">How it is opened.</param>
    public static SluiceOptions UseSqlite(this SluiceOptions options, string path, Durability? durability = null, SqliteStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(path);
        return options.UseStore(async cancellation => await SqliteStreamStore.OpenAsync(path, durability ?? Durability.Power, store, cancellation).ConfigureAwait(false));
    }
}
